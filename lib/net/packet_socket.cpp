// packet_socket: see packet_socket.hpp.
#include "net/packet_socket.hpp"

#include <sys/socket.h>

#include "net/stream_socket.hpp"

#include <string>

namespace gossamer::inline v0::net {

ssize_t packet_socket::receive(const char* call, std::span<std::byte> to, native_addr& from, trouble& t,
                               const ending& end, const std::source_location& where) {
  operation op(socket_.fd(), way::in, end, where);
  return op.perform(t, call, 0, [&] {
    from.size = sizeof from.bytes;
    return result_of(::recvfrom(socket_.fd().number(), to.data(), to.size(), 0, from.data(), &from.size));
  });
}

trouble packet_socket::send(buffer from, const native_addr* to, const ending& end, const std::source_location& where) {
  operation op(socket_.fd(), way::out, end, where);
  shortage lack;
  trouble t = op.next();
  while (!t) {
    const ssize_t n = result_of(::sendto(socket_.fd().number(), from.data(), from.size(), MSG_NOSIGNAL,
                                         to != nullptr ? to->data() : nullptr, to != nullptr ? to->size : 0));
    if (n == -EAGAIN) {
      t = op.next();
    } else if (shortage::is(n) && lack.may_pass()) {
      t = op.pause(lack.next());
    } else if (n != -EINTR) {
      op.done(false);
      return n >= 0 ? trouble() : trouble::of(to != nullptr ? "sendto" : "write", static_cast<int>(-n));
    }
  }
  return t;
}

io_result packet_socket::read(std::span<std::byte> to, const ending& end, std::source_location where) {
  native_addr from;
  trouble t;
  const ssize_t n = receive("read", to, from, t, end, where);
  return n >= 0 ? io_result(n, nullptr) : io_result(0, socket_.fail("read", t, end));
}

std::tuple<std::size_t, addr, error> packet_socket::read_from(std::span<std::byte> to, const ending& end,
                                                              std::source_location where) {
  native_addr from;
  trouble t;
  const ssize_t n = receive("recvfrom", to, from, t, end, where);
  if (n < 0) {
    return {0, nullptr, socket_.fail("read", t, end)};
  }
  return {static_cast<std::size_t>(n), from_native(from, socket_.net()), nullptr};
}

io_result packet_socket::write(buffer from, const ending& end, std::source_location where) {
  const trouble t = send(from, nullptr, end, where);
  return {t ? 0 : from.size(), socket_.fail("write", t, end)};
}

io_result packet_socket::write_to(buffer from, const addr& to, const ending& end, std::source_location where) {
  error err = misfit(to);
  if (!err) {
    native_addr native;
    const trouble t =
        to_native(to, socket_.family(), native) ? send(from, &native, end, where) : trouble::of("sendto", EINVAL);
    if (!t) {
      return {from.size(), nullptr};
    }
    err = t.err(end);
  }
  return {0, op_error("write", std::string(socket_.net().name), socket_.local(), to, std::move(err))};
}

// Why nothing can be sent there. Source: Go's UDPConn.WriteTo, UnixConn.WriteTo.
error packet_socket::misfit(const addr& to) const {
  if (socket_.remote()) {
    return write_to_connected;
  }
  const network& net = socket_.net();
  if (!net.has(to)) {
    return os::system_error(net.is_unix() && to.as<unix_addr>() != nullptr ? EAFNOSUPPORT : EINVAL);
  }
  return socket_.family() == AF_INET && to.ip().is_v6() ? error(not_v4(to)) : error();
}

error packet_socket::close() {
  file_.remove();
  return socket_.close();
}

int packet_socket::release() {
  file_.set_removed(false);
  return over_socket::release();
}

}  // namespace gossamer::inline v0::net
