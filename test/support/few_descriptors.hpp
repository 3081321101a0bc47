// few_descriptors: a process that has no file descriptors left.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <gossamer/time.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// Makes all descriptors but a few unusable, until it goes.
class few_descriptors {
 public:
  explicit few_descriptors(int left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = std::min<rlim_t>(low.rlim_max, 256);
    ::setrlimit(RLIMIT_NOFILE, &low);
    take_all();
    for (int i = 0; i < 10'000 && runtime_has_one(); ++i) {
      gossamer::time::sleep(std::chrono::milliseconds(1));
      take_all();
    }
    take_all();  // what was closed in between
    free(left);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() {
    free(static_cast<int>(taken_.size()));
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  void free(int n) {
    for (int i = 0; i < n && !taken_.empty(); ++i) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  void take_all() {
    for (int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0; fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
      taken_.push_back(fd);
    }
  }

  // The runtime's monitor has files of /proc and of /sys open for moments.
  static bool runtime_has_one() {
    for (int fd = 0; fd < 256; ++fd) {
      char to[64];
      const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), to, sizeof to);
      const std::string_view name(to, n > 0 ? static_cast<std::size_t>(n) : 0);
      if (name.starts_with("/proc/") || name.starts_with("/sys/")) {
        return true;
      }
    }
    return false;
  }

  rlimit before_{};
  std::vector<int> taken_;
};

}  // namespace support
