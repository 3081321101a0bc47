// message: how the kernel's messages are put together. See gossamer/net/message.hpp.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cassert>
#include <span>

#include "gossamer/net/message.hpp"
#include "net/fd.hpp"
#include "net/sockaddr.hpp"

namespace gossamer::inline v0::net {

// What the kernel only reads is not const in its structures.
inline void put_control(msghdr& m, buffer control) noexcept {
  m.msg_control = const_cast<std::byte*>(control.data());
  m.msg_controllen = control.size();
}

inline void put_address(msghdr& m, native_addr& a) noexcept {
  assert(a.size <= sizeof a.bytes);
  m.msg_name = a.data();
  m.msg_namelen = a.size;
}

// `part` and what they refer to lives as long as it.
inline msghdr message_of(buffer bytes, buffer control, iovec& part) noexcept {
  part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr m{};
  m.msg_iov = &part;
  m.msg_iovlen = 1;
  put_control(m, control);
  return m;
}

// One call of sendmsg; its result as result_of() has it.
inline ssize_t send_parts(int number, std::span<iovec> parts, buffer control = {}) noexcept {
  msghdr m{};
  m.msg_iov = parts.data();
  m.msg_iovlen = parts.size();
  put_control(m, control);
  return result_of(::sendmsg(number, &m, MSG_NOSIGNAL));
}

// The kernel gives a flag back that was only asked for: MSG_CMSG_CLOEXEC.
inline int flags_of(const msghdr& m) noexcept { return m.msg_flags & ~MSG_CMSG_CLOEXEC; }

}  // namespace gossamer::inline v0::net
