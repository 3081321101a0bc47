// dial_one: see dial_one.hpp.
#include "net/dial_one.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <system_error>

#include "gossamer/errors.hpp"
#include "net/keep_alive.hpp"
#include "net/packet_socket.hpp"
#include "net/stream_socket.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

// How often a unix socket whose queue is full is asked again.
constexpr detail::deadline shortest_step = 1'000'000;
constexpr detail::deadline longest_step = 16'000'000;

// As result_of(): -EAGAIN while the kernel is still at it.
ssize_t connection_state(int number) noexcept {
  int problem = 0;
  socklen_t size = sizeof problem;
  if (::getsockopt(number, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) {
    return -own_errno();
  }
  if (problem != 0 && problem != EISCONN) {
    return problem == EINPROGRESS || problem == EALREADY ? -EAGAIN : -problem;
  }
  native_addr peer;
  if (::getpeername(number, peer.data(), &peer.size) == 0) {
    return 0;
  }
  const int why = own_errno();
  return why == ENOTCONN ? -EAGAIN : -why;
}

// Waits until the socket, which is connecting, is connected.
trouble await_connection(socket& s, const limits& l) {
  static_cast<void>(s.fd().set_deadline(true, true, l.until));
  trouble t;
  {
    operation op(s.fd(), way::out, l.end, l.where);
    op.perform(t, "connect", 0, [&] { return connection_state(s.fd().number()); });
  }
  static_cast<void>(s.fd().set_deadline(true, true, detail::no_deadline));
  return t;
}

// Sleeps until `when`, in vain unless one of the limits comes before.
trouble sleep_until(detail::deadline when, const limits& l) {
  if (detail::now() >= l.until) {
    return {kind::timed_out};
  }
  sched::prepare_deadline();
  const sched::wait_result how =
      sched::wait_on_nothing({.reason = wait_reason::sleep,
                              .object = nullptr,
                              .where = l.where,
                              .limit = wait::limit::of(std::min(when, l.until), l.end.stop())});
  assert(!sched::through_object(how));
  return {how == sched::wait_result::stopped ? kind::ended : kind::none};
}

// Begins to connect. A unix socket is connected at once or not at all: where its queue is full it is tried again.
trouble begin_to_connect(const raw_socket& raw, const native_addr& to, bool unix_socket, const limits& l) {
  for (detail::deadline step = shortest_step;; step = std::min(2 * step, longest_step)) {
    const ssize_t r = result_of(::connect(raw.number(), to.data(), to.size));
    if (r == 0 || r == -EINPROGRESS || r == -EINTR) {
      return {};
    }
    if (r != -EAGAIN || !unix_socket) {
      return trouble::of("connect", static_cast<int>(-r));
    }
    if (const trouble t = sleep_until(detail::after(detail::now(), std::chrono::nanoseconds(step)), l)) {
      return t;
    }
  }
}

// Of the socket from one to the other. Source: Go's favoriteAddrFamily.
int family_of(const network& net, const addr& from, const addr& to) noexcept {
  const bool six = net.version == 6 || (net.version == 0 && (from.ip().is_v6() || to.ip().is_v6()));
  return net.is_unix() ? AF_UNIX : six ? AF_INET6 : AF_INET;
}

// What is set in any case, and what the user's hook has to say of it. Source: Go's setDefaultSockopts.
error prepare(const network& net, const addr& to, const dialer& how, const limits& l, raw_socket& raw) {
  trouble t;
  if (raw.family() == AF_INET6) {
    t = raw.set(IPPROTO_IPV6, IPV6_V6ONLY, net.version == 6 ? 1 : 0);
  }
  if (!t && net.of == network::kind::udp) {
    t = raw.set(SOL_SOCKET, SO_BROADCAST, 1);
  }
  if (t || (!how.control && !how.control_context)) {
    return t.err(l.end);
  }
  const std::string name = net.exact_name(raw.family());
  return how.control_context ? how.control_context(l.end, name, to.text(), raw.number())
                             : how.control(name, to.text(), raw.number());
}

// A socket that has begun to connect.
error open_towards(const network& net, const addr& to, const dialer& how, const limits& l, raw_socket& raw) {
  const int family = family_of(net, how.local_addr, to);
  if (const trouble t = raw.make(family, net.type)) {
    return t.err(l.end);
  }
  if (error err = prepare(net, to, how, l, raw)) {
    return err;
  }
  trouble t = how.local_addr ? raw.bind(how.local_addr) : trouble();
  if (!t && net.of == network::kind::tcp) {
    t = raw.set(IPPROTO_TCP, TCP_NODELAY, 1);
    keep_alive(raw.number(), how.keep_alive_config, how.keep_alive);
  }
  native_addr native;
  if (!t) {
    t = to_native(to, family, native) ? begin_to_connect(raw, native, net.is_unix(), l)
                                      : trouble::of("connect", EINVAL);
  }
  return t.err(l.end);
}

template <class Socket>
std::pair<conn, error> connect_once(const network& net, const addr& to, const dialer& how, const limits& l) {
  raw_socket raw;
  if (error err = open_towards(net, to, how, l, raw)) {
    return {nullptr, std::move(err)};
  }
  auto* const made = new Socket(net);
  conn c(made);
  trouble t = made->socket().open(raw);
  if (!t && net.of == network::kind::tcp) {
    t = await_connection(made->socket(), l);
  }
  if (t) {
    return {nullptr, t.err(l.end)};
  }
  const int number = made->socket().fd().number();
  const addr peer = net.is_unix() || !is_wildcard(to) ? addr() : peer_addr_of(number, net);
  made->socket().set_addresses(local_addr_of(number, net), peer ? peer : to);
  return {std::move(c), nullptr};
}

// On loopback a socket may by chance be given the very port that it connects to, and then is its own peer; or none is
// left of those that it could have. Source: Go's selfConnect, spuriousENOTAVAIL.
bool is_bad_luck(const network& net, const dialer& how, const conn& c, const error& err) {
  if (how.local_addr) {
    return false;
  }
  return err ? errors::is(err, std::errc::address_not_available)
             : net.of == network::kind::tcp && c.local_addr() == c.remote_addr();
}

}  // namespace

std::pair<conn, error> dial_one(const network& net, const addr& to, const dialer& how, const limits& l) {
  assert(net.has(to) && (!how.local_addr || net.has(how.local_addr)));
  std::pair<conn, error> result;
  auto& [c, err] = result;
  if (how.local_addr.ip().is_v6() && family_of(net, how.local_addr, to) == AF_INET) {
    err = not_v4(how.local_addr);
  } else {
    for (int tries = 0; tries < 3; ++tries) {
      result = net.has_listeners() ? connect_once<stream_socket>(net, to, how, l)
                                   : connect_once<packet_socket>(net, to, how, l);
      if (!is_bad_luck(net, how, c, err)) {
        break;
      }
    }
  }
  assert(static_cast<bool>(c) != static_cast<bool>(err));
  if (err) {
    err = op_error("dial", std::string(net.name), how.local_addr, to, std::move(err));
  }
  return result;
}

}  // namespace gossamer::inline v0::net
