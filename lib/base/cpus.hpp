// cpus: how many CPUs this process may use.
#pragma once

#include <sys/types.h>

#include <string>

namespace gossamer::inline v0::base {

// The CPUs of the calling thread's affinity mask, held to the quota of the process's cgroup (v2 or v1), rounded up. At
// least 1.
int usable_cpus() noexcept;

// The two parts of it. The CPUs of a thread's mask (0: the calling thread's); 0 where it cannot be found out.
int affinity_of(pid_t thread) noexcept;
// The quota in CPUs, rounded up, 0 where there is none. `root` stands before all paths, for tests.
int quota_cpus(const std::string& root = "");

// What usable_cpus() depends on and may change while the process runs: the mask of the main thread (what `taskset -p`
// and sched_setaffinity() of a process change), the mask of the calling thread, and the quota.
struct cpu_limits {
  int of_process = 0;
  int of_thread = 0;
  int quota = 0;
  bool operator==(const cpu_limits&) const = default;
};
cpu_limits read_cpu_limits() noexcept;
// What may be used when `before` were the limits once and `now` they are: the least of the thread's mask and the quota,
// and of the main thread's mask if that has changed. At least 1. (A main thread that has pinned itself to one CPU
// before it left the work to other threads means itself alone.)
int usable_cpus(const cpu_limits& before, const cpu_limits& now) noexcept;

}  // namespace gossamer::inline v0::base
