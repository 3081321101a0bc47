// socket_listener: see socket_listener.hpp.
// Source: net/http's pause where no descriptors are left. Differs: accept itself pauses; what accepted sockets inherit
// from the listener is set once, there.
#include "net/socket_listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <string>

#include "net/keep_alive.hpp"
#include "net/sending.hpp"
#include "net/stream_socket.hpp"

namespace gossamer::inline v0::net {

namespace {

constexpr std::chrono::nanoseconds shortest_pause{5'000'000};
constexpr std::chrono::nanoseconds longest_pause{1'000'000'000};

// Whether file descriptors or memory may be there later.
bool is_shortage(ssize_t r) noexcept { return r == -EMFILE || r == -ENFILE || shortage::is(r); }

}  // namespace

trouble socket_listener::open(raw_socket& from, const keep_alive_config& config, std::chrono::nanoseconds period) {
  pause_ = shortest_pause;
  trouble t;
  if (socket_.net().of == network::kind::tcp) {
    t = from.set(IPPROTO_TCP, TCP_NODELAY, 1);
    keep_alive(from.number(), config, period);
  }
  if (!t) {
    socket_.set_addresses(local_addr_of(from.number(), socket_.net()), nullptr);
    t = socket_.open(from);
    socket_.fd().leaves_set_first();
  }
  return t;
}

trouble socket_listener::accept_one(int& number, native_addr& from, const ending& end,
                                    const std::source_location& where) {
  operation op(socket_.fd(), way::in, end, where);
  trouble t = op.next();
  while (!t) {
    from.size = sizeof from.bytes;
    const ssize_t n =
        result_of(::accept4(socket_.fd().number(), from.data(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (n >= 0) {
      pause_ = shortest_pause;
      op.done(false);
      number = static_cast<int>(n);
      return {};
    }
    if (n == -EAGAIN) {
      t = op.next();
    } else if (is_shortage(n)) {
      assert(pause_ >= shortest_pause && pause_ <= longest_pause);
      t = op.pause(detail::after(detail::now(), pause_));
      if (!t) {
        pause_ = std::min(2 * pause_, longest_pause);
        op.done(false);
        return trouble::of("accept4", static_cast<int>(-n));
      }
    } else if (n != -EINTR && n != -ECONNABORTED) {  // a peer that has gone already is nobody's business
      op.done(false);
      return trouble::of("accept4", static_cast<int>(-n));
    }
  }
  return t;
}

// Without asking the kernel, where it can only be the listener's own.
net::addr socket_listener::local_of(int number) const {
  const net::addr& own = socket_.local();
  return socket_.net().is_unix() || (own.ip() && !own.ip().is_unspecified()) ? own
                                                                             : local_addr_of(number, socket_.net());
}

std::pair<conn, error> socket_listener::accept(const ending& end, std::source_location where) {
  native_addr from;
  int number = -1;
  trouble t = accept_one(number, from, end, where);
  if (!t) {
    assert(number >= 0);
    raw_socket raw(number, socket_.family());
    auto* const made = new stream_socket(socket_.net());
    conn c(made);
    made->socket().set_addresses(local_of(number), from_native(from, socket_.net()));
    t = made->socket().open(raw);
    if (!t) {
      return {std::move(c), nullptr};
    }
  }
  return {nullptr, op_error("accept", std::string(socket_.net().name), nullptr, socket_.local(), t.err(end))};
}

error socket_listener::close() {
  file_.remove();
  return socket_.fail_here("close", socket_.fd().close());
}

}  // namespace gossamer::inline v0::net
