// send_file: from a file into a socket, without the bytes coming into this process. See splice.hpp.
// Source: Go's internal/poll.SendFile. Differs: what may wait for a disk is a blocking call.
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <source_location>

#include "base/without_sigpipe.hpp"
#include "gossamer/runtime.hpp"
#include "io/splice.hpp"
#include "net/sending.hpp"
#include "net/socket.hpp"

namespace gossamer::inline v0::io {

namespace {

// So that a call is mostly over before the monitor looks, and sets somebody to work in its place: a MB of a cached file
// costs a server 245 us of CPU, 280 to 305 by 256 KiB, 325 by 4 MB.
constexpr std::int64_t most_at_once = 128 << 10;

bool is_regular(int number) noexcept {
  struct ::stat s{};
  return runtime::blocking([&] { return ::fstat(number, &s); }) == 0 && S_ISREG(s.st_mode);
}

// Of the file from where it stands, as read() would.
ssize_t send_some(int to, int from, std::int64_t most) {
  return runtime::blocking([&] {
    const base::without_sigpipe quiet;
    return net::result_of(::sendfile(to, from, nullptr, static_cast<std::size_t>(std::min(most, most_at_once))));
  });
}

// None, and nothing is moved, where the kernel cannot.
std::optional<copied> send(net::socket& to, int from, std::int64_t most) {
  if (!is_regular(from)) {
    return std::nullopt;
  }
  const net::ending none;
  const auto where = std::source_location::current();
  net::sending s(to.fd(), none, where);
  std::int64_t total = 0;
  while (total < most) {
    const ssize_t n = s.take("sendfile", [&] { return send_some(to.fd().number(), from, most - total); });
    if (n < 0) {
      const net::trouble& t = s.why();
      const bool cannot = t.why == net::trouble::kind::refused && (t.code == EINVAL || t.code == EOPNOTSUPP);
      return cannot && total == 0 ? std::optional<copied>() : copied(total, to.fail("write", t, {}));
    }
    total += n;
    if (n == 0) {
      break;
    }
  }
  return copied(total, nullptr);
}

}  // namespace

std::optional<copied> send_file_up_to(net::socket& to, const reader& from, std::int64_t most) {
  assert(most > 0);
  std::optional<copied> done;
  own_ways::with_file(from, [&](int number) { done = send(to, number, most); });
  return done;
}

}  // namespace gossamer::inline v0::io
