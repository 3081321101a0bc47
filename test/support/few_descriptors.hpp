// few_descriptors: a process that has no file descriptors left.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <gossamer/time.hpp>

#include <algorithm>
#include <chrono>
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
    for (int i = 0; i < 5; ++i) {  // again: the runtime's monitor has files of /proc open for moments
      take_all();
      gossamer::time::sleep(std::chrono::milliseconds(1));
    }
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

  rlimit before_{};
  std::vector<int> taken_;
};

}  // namespace support
