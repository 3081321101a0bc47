// net/message: messages with control data, of sockets: descriptors that go from process to process, the interface and
// the class of service of a datagram; and several datagrams by one call.
// Source: Go's UnixConn.ReadMsgUnix and WriteMsgUnix, UDPConn.ReadMsgUDP and WriteMsgUDP, syscall.UnixRights and
// ParseSocketControlMessage; the batches are those of golang.org/x/net/ipv4. Differs: see conn::read_msg().
//
// Control data is a sequence of control messages, each with a level, a type and data, as cmsg(3) has them:
//
//   auto [n, control_n, flags, from, err] = c.read_msg(buf, control);
//   auto [messages, malformed] = net::parse_socket_control_message(std::span(control).first(control_n));
//   for (const auto& m : messages)
//     if (m.is(SOL_SOCKET, SCM_RIGHTS)) auto [numbers, bad] = net::parse_unix_rights(m);   // theirs who reads it
//
// All of this may be called from anywhere. Control data lies in any range of bytes; alignment does not matter.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "addr.hpp"

namespace gossamer::inline v0::net {

using buffer = std::span<const std::byte>;

// What conn::read_msg() returns.
struct msg_read {
  std::size_t n = 0;          // bytes of the message
  std::size_t control_n = 0;  // bytes of control data
  // What the kernel says of the message: MSG_TRUNC (it was longer than the buffer), MSG_CTRUNC (there was more control
  // data than fitted, and the descriptors in the rest are closed), MSG_EOR.
  int flags = 0;
  addr from{};  // none where the kernel names nobody: of TCP, and of a unix peer that is not bound
  error err{};
};

// What conn::write_msg() returns.
struct msg_written {
  std::size_t n = 0;
  std::size_t control_n = 0;
  error err{};
};

// One datagram to be read by packet_conn::read_batch(), which fills all that stands behind the two buffers.
struct in_message {
  std::span<std::byte> to{};       // where its bytes go; what does not fit is lost
  std::span<std::byte> control{};  // where its control data goes
  std::size_t n = 0;
  std::size_t control_n = 0;
  int flags = 0;  // see msg_read
  addr from{};
};

// One datagram to be written by packet_conn::write_batch().
struct out_message {
  buffer from{};
  buffer control{};
  addr to{};  // none where the socket is connected
};

// A control message. Its data lies in what was parsed.
struct socket_control_message {
  int level = 0;  // SOL_SOCKET, IPPROTO_IP, …
  int type = 0;   // SCM_RIGHTS, IP_TOS, …
  buffer data;

  bool is(int its_level, int its_type) const noexcept { return level == its_level && type == its_type; }
  // The data as a T, if there is so much; else T().
  template <class T>
    requires std::is_trivially_copyable_v<T>
  T as() const noexcept {
    T t{};
    if (data.size() >= sizeof t) {
      std::memcpy(&t, data.data(), sizeof t);
    }
    return t;
  }
};

// The control messages in control data. Those before a malformed one, and `invalid argument`: a length that is less
// than a header's, or more than is left. What is left but too short for a header is ignored, as in Go.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<socket_control_message>, error> parse_socket_control_message(
    buffer control);

// How much room a control message with so many bytes of data takes up. Source: Go's syscall.CmsgSpace.
[[nodiscard]] GOSSAMER_API std::size_t cmsg_space(std::size_t data_bytes) noexcept;

// Puts one more control message behind those in `control`. As a T: its bytes are the data.
GOSSAMER_API void append_control_message(std::vector<std::byte>& control, int level, int type, buffer data);
template <class T>
  requires std::is_trivially_copyable_v<T> && (!std::convertible_to<const T&, buffer>)
void append_control_message(std::vector<std::byte>& control, int level, int type, const T& data) {
  append_control_message(control, level, type, std::as_bytes(std::span(&data, 1)));
}

// The control data that passes descriptors over a unix socket. They stay the caller's, and are the receiver's as well
// once it has read the message. More than the kernel takes at once (253) make write_msg() fail with `invalid argument`;
// none is passed then.
[[nodiscard]] GOSSAMER_API std::vector<std::byte> unix_rights(std::span<const int> numbers);
[[nodiscard]] inline std::vector<std::byte> unix_rights(std::initializer_list<int> numbers) {
  return unix_rights(std::span(numbers.begin(), numbers.size()));
}
// The descriptors that a control message has brought: close-on-exec, and the caller's to be closed. `invalid argument`
// for a message of another kind.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<int>, error> parse_unix_rights(const socket_control_message& message);

}  // namespace gossamer::inline v0::net
