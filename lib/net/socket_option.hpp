// socket_option: one number of a socket's.
#pragma once

#include <sys/socket.h>

#include <cerrno>

namespace gossamer::inline v0::net {

// 0, or the errno.
inline int set_number(int number, int level, int name, int value) noexcept {
  return ::setsockopt(number, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

}  // namespace gossamer::inline v0::net
