// from_number: see gossamer/net/file.hpp.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "gossamer/net/file.hpp"
#include "net/keep_alive.hpp"
#include "net/packet_socket.hpp"
#include "net/socket_listener.hpp"
#include "net/stream_socket.hpp"

namespace gossamer::inline v0::net {

namespace {

// Source: Go's FileConn and its like.
error fail(int number, error err) {
  return op_error("file", "file+net", nullptr, named_addr{"file+net", std::to_string(number)}, std::move(err));
}

trouble ask(int number, int name, int& value) noexcept {
  socklen_t size = sizeof value;
  return ::getsockopt(number, SOL_SOCKET, name, &value, &size) == 0 ? trouble() : trouble::of("getsockopt", errno);
}

// Null for none that we know.
const network* network_of(int family, int type) noexcept {
  switch (family) {
    case AF_INET:
    case AF_INET6:
      return type == SOCK_STREAM ? find_network("tcp") : type == SOCK_DGRAM ? find_network("udp") : nullptr;
    case AF_UNIX:
      return find_network(type == SOCK_STREAM ? "unix" : type == SOCK_DGRAM ? "unixgram" : "unixpacket");
    default:
      return nullptr;
  }
}

// A duplicate of a socket that somebody has opened.
struct found {
  raw_socket raw;
  const network* net = nullptr;
  bool listens = false;

  // is_right(): whether it is of the kind that was asked for. From then on it does not block.
  template <class IsRight>
  error find(int number, IsRight is_right) {
    int type = 0;
    int accepts = 0;
    trouble t = raw.duplicate(number);
    t = t ? t : ask(raw.number(), SO_TYPE, type);
    t = t ? t : ask(raw.number(), SO_ACCEPTCONN, accepts);
    if (t) {
      return t.err({});
    }
    net = network_of(raw.family(), type);
    listens = accepts != 0;
    if (net == nullptr || !is_right()) {
      return os::system_error(net == nullptr ? EPROTONOSUPPORT : EINVAL);
    }
    const int flags = ::fcntl(raw.number(), F_GETFL);
    if (flags < 0 || ((flags & O_NONBLOCK) == 0 && ::fcntl(raw.number(), F_SETFL, flags | O_NONBLOCK) != 0)) {
      return trouble::of("fcntl", errno).err({});
    }
    return nullptr;
  }
};

// A handle of a socket of that kind, which takes over what was found.
template <class Handle, class Socket>
std::pair<Handle, error> made_of(int number, found& f, Socket* socket) {
  Handle h(socket);
  socket->socket().set_addresses(local_addr_of(f.raw.number(), *f.net), peer_addr_of(f.raw.number(), *f.net));
  if (const trouble t = socket->socket().open(f.raw)) {
    return {Handle(), fail(number, t.err({}))};
  }
  socket->socket().fd().leaves_set_first();
  return {std::move(h), nullptr};
}

}  // namespace

std::pair<conn, error> file_conn(int number) {
  found f;
  if (error err = f.find(number, [&] { return !f.listens; })) {
    return {nullptr, fail(number, std::move(err))};
  }
  if (f.net->type == SOCK_DGRAM) {
    return made_of<conn>(number, f, new packet_socket(*f.net));
  }
  if (f.net->of == network::kind::tcp) {
    if (const trouble t = f.raw.set(IPPROTO_TCP, TCP_NODELAY, 1)) {
      return {nullptr, fail(number, t.err({}))};
    }
    keep_alive(f.raw.number(), {}, {});
  }
  return made_of<conn>(number, f, new stream_socket(*f.net));
}

std::pair<packet_conn, error> file_packet_conn(int number) {
  found f;
  if (error err = f.find(number, [&] { return f.net->type == SOCK_DGRAM; })) {
    return {nullptr, fail(number, std::move(err))};
  }
  return made_of<packet_conn>(number, f, new packet_socket(*f.net));
}

std::pair<listener, error> file_listener(int number) {
  found f;
  if (error err = f.find(number, [&] { return f.listens; })) {
    return {nullptr, fail(number, std::move(err))};
  }
  auto* const made = new socket_listener(*f.net);
  listener l(made);
  const trouble t = made->open(f.raw, {}, {});
  return t ? std::pair(listener(), fail(number, t.err({}))) : std::pair(std::move(l), error());
}

}  // namespace gossamer::inline v0::net
