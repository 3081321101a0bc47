// socket: see socket.hpp.
#include "net/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <string>

#include "net/keep_alive.hpp"
#include "net/socket_option.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

int set_linger(int number, std::int64_t seconds) noexcept {
  ::linger l{};
  l.l_onoff = seconds >= 0 ? 1 : 0;
  l.l_linger = static_cast<int>(std::clamp<std::int64_t>(seconds, 0, 32'767));
  return ::setsockopt(number, SOL_SOCKET, SO_LINGER, &l, sizeof l) == 0 ? 0 : errno;
}

int set_option(int number, option which, std::int64_t value) noexcept {
  const auto n = static_cast<int>(std::clamp<std::int64_t>(value, 0, std::numeric_limits<int>::max()));
  switch (which) {
    case option::no_delay:
      return set_number(number, IPPROTO_TCP, TCP_NODELAY, n);
    case option::linger:
      return set_linger(number, value);
    case option::keep_alive:
      return set_number(number, SOL_SOCKET, SO_KEEPALIVE, n);
    case option::keep_alive_period:
      return set_keep_alive_idle(number, value);
    case option::read_buffer:
      return set_number(number, SOL_SOCKET, SO_RCVBUF, n);
    case option::write_buffer:
      return set_number(number, SOL_SOCKET, SO_SNDBUF, n);
    case option::keep_alive_interval:
      return set_keep_alive_interval(number, value);
    case option::keep_alive_count:
      return set_keep_alive_count(number, value);
  }
  return EINVAL;
}

}  // namespace

// ---- raw_socket -----------------------------------------------------------------------------------------------------

trouble raw_socket::make(int family, int type) noexcept {
  assert(number_ < 0);
  family_ = family;
  number_ = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return number_ >= 0 ? trouble() : trouble::of("socket", errno);
}

trouble raw_socket::duplicate(int number) noexcept {
  assert(number_ < 0);
  number_ = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  if (number_ < 0) {
    return trouble::of("fcntl", errno);
  }
  socklen_t size = sizeof family_;
  return ::getsockopt(number_, SOL_SOCKET, SO_DOMAIN, &family_, &size) == 0 ? trouble()
                                                                            : trouble::of("getsockopt", errno);
}

raw_socket::~raw_socket() {
  if (number_ >= 0) {
    ::close(number_);
  }
}

trouble raw_socket::set(int level, int name, int value) noexcept {
  const int problem = set_number(number_, level, name, value);
  return problem == 0 ? trouble() : trouble::of("setsockopt", problem);
}

trouble raw_socket::bind(const addr& to) noexcept {
  assert(number_ >= 0);
  native_addr native;
  if (!to_native(to, family_, native)) {
    return trouble::of("bind", EINVAL);
  }
  return ::bind(number_, native.data(), native.size) == 0 ? trouble() : trouble::of("bind", errno);
}

addr local_addr_of(int number, const network& net) {
  native_addr a;
  return ::getsockname(number, a.data(), &a.size) == 0 ? from_native(a, net) : addr();
}

addr peer_addr_of(int number, const network& net) {
  native_addr a;
  return ::getpeername(number, a.data(), &a.size) == 0 ? from_native(a, net) : addr();
}

// ---- socket ---------------------------------------------------------------------------------------------------------

trouble socket::open(raw_socket& from) noexcept {
  assert(net_.is_unix() == (from.family() == AF_UNIX));
  const trouble t = fd_.open(from.number(), net_.is_stream());
  if (!t) {
    family_ = from.family();
    from.given_away();
  }
  return t;
}

error socket::fail(const char* op, const trouble& t, const ending& end) const {
  if (!t || t.why == kind::at_end) {
    return t.err(end);
  }
  return op_error(op, std::string(net_.name), local_, remote_, t.err(end));
}

error socket::fail_to(const addr& to, error err) const {
  return op_error("write", std::string(net_.name), local_, to ? to : remote_, std::move(err));
}

error socket::fail_here(const char* op, const trouble& t) const {
  return t ? error(op_error(op, std::string(net_.name), nullptr, local_, t.err({}))) : error();
}

error socket::close() { return fail("close", fd_.close(), {}); }

error socket::shut_down(const char* op, int how) {
  trouble t{kind::shut};
  if (fd_.use()) {
    t = ::shutdown(fd_.number(), how) == 0 ? trouble() : trouble::of("shutdown", errno);
    fd_.leave();
  }
  return fail(op, t, {});
}

error socket::set_deadline(direction which, time_point when) {
  const auto bits = static_cast<unsigned>(which);
  const trouble t =
      fd_.set_deadline((bits & 1) != 0, (bits & 2) != 0, detail::on_machine_clock(when.time_since_epoch().count()));
  return t ? fail_here("set", t) : error();
}

error socket::set(option which, std::int64_t value) {
  trouble t{kind::shut};
  if (fd_.use()) {
    const int problem = set_option(fd_.number(), which, value);
    t = problem == 0 ? trouble() : trouble::of("setsockopt", problem);
    if (which == option::linger && !t) {
      fd_.closes_slowly(value > 0);
    }
    fd_.leave();
  }
  // Source: Go, where what belongs to TCP names both ends.
  return which == option::read_buffer || which == option::write_buffer ? fail_here("set", t) : fail("set", t, {});
}

int socket::native_handle() const {
  auto& f = const_cast<net::fd&>(fd_);
  if (!f.use()) {
    return -1;
  }
  const int n = f.number();
  f.leaves_set_first();  // what becomes of it nobody knows
  f.leave();
  return n;
}

std::pair<int, error> socket::duplicate() const {
  auto& f = const_cast<net::fd&>(fd_);
  trouble t{kind::shut};
  int n = -1;
  if (f.use()) {
    n = ::fcntl(f.number(), F_DUPFD_CLOEXEC, 0);
    t = n >= 0 ? trouble() : trouble::of("fcntl", errno);
    f.leaves_set_first();
    f.leave();
  }
  return {n, fail("file", t, {})};
}

}  // namespace gossamer::inline v0::net
