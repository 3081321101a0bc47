// output: see output.hpp.
#include "debug/output.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/without_sigpipe.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/runtime.hpp"

namespace gossamer::inline v0::debug {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

error failed(int number) {
  return errors::wrap(error(std::error_code(number, std::generic_category())), "cannot write the dump: ");
}

// On one thread: the caller does not park.
int write_all(const descriptor& to, std::string_view text) noexcept {
  const base::without_sigpipe quiet;
  while (!text.empty()) {
    // What is ready takes so much at least without blocking, also where it is a pipe in blocking mode.
    pollfd ready{to.fd, POLLOUT, 0};
    const int n = ::poll(&ready, 1, static_cast<int>(to.patience.count()));
    if (n == 0) {
      return ETIMEDOUT;
    }
    if (n < 0 && errno != EINTR) {
      return errno;
    }
    if (n < 0) {
      continue;
    }
    const ssize_t written = ::write(to.fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

error put_to_descriptor(void* to, std::string_view piece) {
  const int problem = runtime::blocking([&] { return write_all(*static_cast<const descriptor*>(to), piece); });
  return problem == 0 ? error() : failed(problem);
}

void output::write(std::string_view text) {
  if (!failed()) {
    buffer_.append(text);
    if (buffer_.size() >= piece_bytes) {
      hand_on();
    }
  }
}

void output::hand_on() {
  if (!failed() && !buffer_.empty()) {
    problem_ = to_.put(to_.to, buffer_);
    buffer_.clear();
  }
}

error output::finish() {
  hand_on();
  return problem_;
}

}  // namespace gossamer::inline v0::debug
