// os/process_state: how a program has ended, and what it has used. Source: Go's os.ProcessState.
#pragma once

#include <sys/resource.h>

#include <iosfwd>
#include <string>

#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../os.hpp"

namespace gossamer::inline v0::os {

// Of a program that has been waited for. A value.
class GOSSAMER_API process_state {
 public:
  constexpr process_state() noexcept = default;
  // As wait4() has them.
  process_state(int pid, int status, const ::rusage& usage) noexcept : pid_(pid), status_(status), usage_(usage) {}

  // The number that it had; by now it may be another's.
  int pid() const noexcept { return pid_; }
  // Whether it ended by itself, and no signal ended it.
  bool exited() const noexcept;
  // It exited with code 0.
  bool success() const noexcept { return status_ == 0; }
  // -1 if a signal ended it.
  int exit_code() const noexcept;
  // The one that ended it; none if it exited.
  os::signal signal() const noexcept;
  // The CPU time that it, and those of its children that it waited for, have used: in its own code, and in the
  // kernel's.
  std::chrono::nanoseconds user_time() const noexcept;
  std::chrono::nanoseconds system_time() const noexcept;
  // The status as waitpid() has it. Source: Go's ProcessState.Sys.
  int sys() const noexcept { return status_; }
  // Memory, page faults, context switches and the like: getrusage(2).
  const ::rusage& sys_usage() const noexcept { return usage_; }
  // `exit status 1`, `signal: killed`; behind it ` (core dumped)`.
  std::string text() const;

 private:
  int pid_ = 0;
  int status_ = 0;
  ::rusage usage_{};
};

// Its text().
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const process_state& s);

}  // namespace gossamer::inline v0::os
