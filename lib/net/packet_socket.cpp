// packet_socket: see packet_socket.hpp.
#include "net/packet_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cassert>
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "net/message.hpp"
#include "net/sending.hpp"

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
  assert(to == nullptr || !socket_.remote());
  sending s(socket_.fd(), end, where);
  s.take(to != nullptr ? "sendto" : "write", [&] {
    return result_of(::sendto(socket_.fd().number(), from.data(), from.size(), MSG_NOSIGNAL,
                              to != nullptr ? to->data() : nullptr, to != nullptr ? to->size : 0));
  });
  return s.why();
}

io_result packet_socket::read(std::span<std::byte> to, const ending& end, std::source_location where) {
  if (to.empty()) {  // a datagram would be lost with it
    return {0, socket_.fail("read", socket_.fd().prospect(way::in, end.stop()), end)};
  }
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

// One datagram of all of them. Source: Go's net.Buffers.
io_result packet_socket::writev(std::span<const buffer> from, const ending& end, std::source_location where) {
  std::vector<iovec> parts;
  std::size_t total = 0;
  for (const buffer& b : from) {
    if (!b.empty()) {
      parts.push_back({const_cast<std::byte*>(b.data()), b.size()});
      total += b.size();
    }
  }
  if (parts.empty()) {
    return {0, socket_.fail("write", socket_.fd().prospect(way::out, end.stop()), end)};
  }
  if (parts.size() > IOV_MAX) {
    return {0, socket_.fail("write", trouble::of("writev", EMSGSIZE), end)};
  }
  sending s(socket_.fd(), end, where);
  s.take("writev", [&] { return send_parts(socket_.fd().number(), parts); });
  const trouble t = s.why();
  return {t ? 0 : total, socket_.fail("write", t, end)};
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
  return {0, socket_.fail_to(to, std::move(err))};
}

msg_written packet_socket::write_msg(buffer from, buffer control, const addr& to, const ending& end,
                                     std::source_location where) {
  native_addr native;
  if (error err = place(to, native)) {
    return {.err = socket_.fail_to(to, std::move(err))};
  }
  iovec part;
  msghdr m = message_of(from, control, part);
  if (to) {
    put_address(m, native);
  }
  sending s(socket_.fd(), end, where);
  if (s.take("sendmsg", [&] { return result_of(::sendmsg(socket_.fd().number(), &m, MSG_NOSIGNAL)); }) >= 0) {
    return {from.size(), control.size(), nullptr};
  }
  return {.err = socket_.fail_to(to, s.why().err(end))};
}

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

// Source: Go's UDPConn.WriteMsgUDP, UnixConn.WriteMsgUnix.
error packet_socket::place(const addr& to, native_addr& native) const {
  if (to) {
    error err = misfit(to);
    return err ? err : to_native(to, socket_.family(), native) ? error() : os::system_error(EINVAL);
  }
  return !socket_.remote() && !socket_.net().is_unix() ? error(addr_error("missing address", "")) : error();
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
