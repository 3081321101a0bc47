#include "base/system_call.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace gossamer::inline v0::base {

long system_call_of(pid_t thread) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/syscall", static_cast<int>(thread));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return not_known;
  }
  char text[32] = {};
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) {
    return not_known;
  }
  if (std::string_view(text).starts_with("running")) {
    return runnable;
  }
  char* end = text;
  const long number = std::strtol(text, &end, 10);
  return end == text ? not_known : number;
}

}  // namespace gossamer::inline v0::base
