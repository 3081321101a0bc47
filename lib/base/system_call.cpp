#include "base/system_call.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gossamer::inline v0::base {

std::string_view read_of_thread(pid_t thread, const char* name, std::span<char> room) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/%s", static_cast<int>(thread), name);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return {};
  }
  const ssize_t n = ::read(fd, room.data(), room.size());
  ::close(fd);
  return {room.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

long system_call_of(pid_t thread) noexcept {
  char room[32] = {};  // the last byte stays 0
  const std::string_view text = read_of_thread(thread, "syscall", {room, sizeof room - 1});
  if (text.empty()) {
    return not_known;
  }
  if (text.starts_with("running")) {
    return runnable;
  }
  char* end = room;
  const long number = std::strtol(room, &end, 10);
  return end == room ? not_known : number;
}

}  // namespace gossamer::inline v0::base
