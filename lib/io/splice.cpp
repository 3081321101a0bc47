// splice: see splice.hpp.
#include "io/splice.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <source_location>

#include "base/without_sigpipe.hpp"
#include "gossamer/net/conn.hpp"
#include "net/stream_socket.hpp"

namespace gossamer::inline v0::io {

namespace {

using net::trouble;

constexpr std::int64_t most_at_once = 1 << 20;

// What the bytes lie in between: empty whenever something is read.
struct kernel_pipe {
  int ends[2] = {-1, -1};

  kernel_pipe() noexcept = default;
  kernel_pipe(const kernel_pipe&) = delete;
  kernel_pipe& operator=(const kernel_pipe&) = delete;
  ~kernel_pipe() {
    if (is_open()) {
      ::close(ends[0]);
      ::close(ends[1]);
    }
  }
  bool open() noexcept { return ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0; }
  bool is_open() const noexcept { return ends[0] >= 0; }
};

// From the socket into the pipe: how many, 0 at the end of the stream; or a trouble.
ssize_t fill(net::socket& from, const kernel_pipe& pipe, std::size_t most, trouble& t) {
  const net::ending none;
  const auto where = std::source_location::current();
  net::operation op(from.fd(), net::way::in, none, where);
  // A pipe takes less than a socket may have: a short read says nothing.
  return op.perform(t, "splice", 0, [&] {
    return net::result_of(::splice(from.fd().number(), nullptr, pipe.ends[1], nullptr, most, SPLICE_F_NONBLOCK));
  });
}

// n bytes, which lie in the pipe, into the socket: how many, and a trouble if not all.
std::int64_t drain(net::socket& to, const kernel_pipe& pipe, ssize_t n, trouble& t) {
  const net::ending none;
  const auto where = std::source_location::current();
  std::int64_t done = 0;
  while (done < n) {
    net::operation op(to.fd(), net::way::out, none, where);
    const ssize_t moved = op.perform(t, "splice", 0, [&] {
      const base::without_sigpipe quiet;
      return net::result_of(::splice(pipe.ends[0], nullptr, to.fd().number(), nullptr,
                                     static_cast<std::size_t>(n - done), SPLICE_F_NONBLOCK));
    });
    if (moved < 0) {
      break;
    }
    done += moved;
  }
  assert(done == n || t);
  return done;
}

net::socket* socket_of(const net::conn* c) noexcept {
  auto* const s = c != nullptr ? dynamic_cast<net::stream_socket*>(c->get()) : nullptr;
  return s != nullptr && s->socket().net().is_stream() ? &s->socket() : nullptr;  // not what has bounds of messages
}

}  // namespace

std::optional<copied> splice_up_to(const writer& to, const reader& from, std::int64_t most) {
  net::socket* const target = socket_of(to.as<net::conn>());
  net::socket* const source = target != nullptr ? socket_of(from.as<net::conn>()) : nullptr;
  if (target == nullptr || most <= 0) {
    return std::nullopt;
  }
  if (limited_reader* const part = from.as<limited_reader>()) {
    std::optional<copied> done = splice_up_to(to, part->from(), std::min(most, part->left()));
    part->set_left(part->left() - (done ? done->first : 0));
    return done;
  }
  if (source == nullptr) {
    return send_file_up_to(*target, from, most);
  }
  kernel_pipe pipe;
  if (!pipe.open()) {
    return std::nullopt;
  }
  std::int64_t total = 0;
  while (total < most) {
    trouble t;
    const ssize_t n = fill(*source, pipe, static_cast<std::size_t>(std::min(most - total, most_at_once)), t);
    if (n < 0 && total == 0 && t.why == trouble::kind::refused && t.code == EINVAL) {
      return std::nullopt;
    }
    if (n <= 0) {
      return copied(total, n == 0 ? error() : source->fail("read", t, {}));
    }
    total += drain(*target, pipe, n, t);
    if (t) {
      return copied(total, target->fail("write", t, {}));
    }
  }
  return copied(total, nullptr);
}

}  // namespace gossamer::inline v0::io
