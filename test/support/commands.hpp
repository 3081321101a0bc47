// commands: what tests of programs that are run have in common.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <gossamer/io.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <string>

#include "fiber_test.hpp"

namespace support {

// No child is left, not even a dead one. The thread sanitizer has one of its own, which looks up names.
inline bool no_children() {
  const pid_t one = ::waitpid(-1, nullptr, WNOHANG);
  return (one == -1 && errno == ECHILD) || (GOSSAMER_TSAN && one == 0);
}

// Takes what programs write, and tells when there was something.
struct announcing {
  gossamer::io::buffer all;
  std::atomic<bool> written = false;
  gossamer::io::result write(std::span<const std::byte> from) {
    auto r = all.write(from);
    written = true;
    return r;
  }
  bool await() {
    return eventually([&] { return written.load(); });
  }
};

// Kills the process whose number is all that was written. What holds on to a test's descriptors may not outlive it: the
// thread sanitizer's child ends when they are closed, and whoever runs the test waits for that.
inline void kill_left_behind(const announcing& number) {
  const int process = std::atoi(std::string(number.all.text()).c_str());
  CHECK(process > 0);
  if (process > 0) {
    ::kill(process, SIGKILL);
  }
}

}  // namespace support
