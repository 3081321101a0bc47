// net/file: sockets that somebody else has opened, a service manager, a parent or a peer, as connections and listeners.
// Source: Go's net.FileConn, FileListener, FilePacketConn. Differs: the file may be a number.
//
// The descriptor stays the caller's: what is made has a duplicate of it, which is close-on-exec. The two are one socket
// for the kernel: it is made non-blocking for both, and what is read by one is not there for the other.
//
//   auto [l, err] = net::file_listener(3);   // the first that systemd hands over
//
// Errors are op_errors, `file file+net 3: …`: `fcntl: bad file descriptor`, `getsockopt: socket operation on
// non-socket`, `invalid argument` for a socket of another kind than the one asked for (a listener is no connection),
// `protocol not supported` for one that is neither of IP nor of unix. Nothing is changed or left open then. All of it
// from anywhere; no call waits.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "conn.hpp"

namespace gossamer::inline v0::net {

// What has a descriptor: an os::file, a conn, a listener.
template <class F>
concept has_descriptor = requires(const F& f) {
  { f.native_handle() } -> std::same_as<int>;
};

// A stream: TCP or unix; or datagrams of a socket that is connected.
[[nodiscard]] GOSSAMER_API std::pair<conn, error> file_conn(int number);
// A socket that listens. A unix socket's file is not removed by close(): who has made it removes it.
[[nodiscard]] GOSSAMER_API std::pair<listener, error> file_listener(int number);
// A socket for datagrams: UDP or unixgram. One that is connected is taken as dialed: write_to() is refused. (Go does
// not look.)
[[nodiscard]] GOSSAMER_API std::pair<packet_conn, error> file_packet_conn(int number);

template <has_descriptor F>
[[nodiscard]] std::pair<conn, error> file_conn(const F& f) {
  return file_conn(f.native_handle());
}
template <has_descriptor F>
[[nodiscard]] std::pair<listener, error> file_listener(const F& f) {
  return file_listener(f.native_handle());
}
template <has_descriptor F>
[[nodiscard]] std::pair<packet_conn, error> file_packet_conn(const F& f) {
  return file_packet_conn(f.native_handle());
}

}  // namespace gossamer::inline v0::net
