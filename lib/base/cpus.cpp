// cpus: see cpus.hpp.
#include "base/cpus.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>

namespace gossamer::inline v0::base {

namespace {

using file = std::unique_ptr<std::FILE, decltype([](std::FILE* f) { std::fclose(f); })>;

file open(const std::string& path) { return file(std::fopen(path.c_str(), "re")); }

// Quota over period, rounded up; 0 where there is none.
int to_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>((quota + period - 1) / period)) : 0;
}

// cgroup v2: `QUOTA PERIOD` or `max PERIOD`, in the group itself or in any above it: the tightest counts.
int quota_v2(const std::string& root, std::string group) {
  int tightest = 0;
  for (;;) {
    if (const file f = open(root + "/sys/fs/cgroup" + group + "/cpu.max")) {
      double quota = 0;
      double period = 0;
      if (std::fscanf(f.get(), "%lf %lf", &quota, &period) == 2) {
        const int n = to_cpus(quota, period);
        tightest = tightest == 0 ? n : n == 0 ? tightest : std::min(tightest, n);
      }
    }
    const std::size_t slash = group.rfind('/');
    if (slash == std::string::npos || group.size() <= 1) {
      return tightest;
    }
    group.resize(slash);
  }
}

int quota_v1(const std::string& root) {
  double quota = 0;
  double period = 0;
  const file q = open(root + "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const file p = open(root + "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (!q || !p || std::fscanf(q.get(), "%lf", &quota) != 1 || std::fscanf(p.get(), "%lf", &period) != 1) {
    return 0;
  }
  return to_cpus(quota, period);
}

}  // namespace

int affinity_of(pid_t thread) noexcept {
  // Room for more CPUs than any kernel knows: with too little the call fails.
  std::array<cpu_set_t, 16> set;
  return ::sched_getaffinity(thread, sizeof set, set.data()) == 0 ? CPU_COUNT_S(sizeof set, set.data()) : 0;
}

int quota_cpus(const std::string& root) {
  const file f = open(root + "/proc/self/cgroup");
  char line[4096];
  while (f && std::fgets(line, sizeof line, f.get()) != nullptr) {
    if (std::strncmp(line, "0::", 3) == 0) {
      std::string group(line + 3);
      group.erase(std::min(group.find('\n'), group.size()));
      if (const int n = quota_v2(root, group == "/" ? "" : group)) {
        return n;
      }
    }
  }
  return quota_v1(root);
}

namespace {

int least(std::initializer_list<int> limits) noexcept {
  int n = 0;
  for (const int limit : limits) {
    n = limit > 0 && (n == 0 || limit < n) ? limit : n;
  }
  return std::max(n, 1);
}

int quota_or_none() noexcept {
  try {
    return quota_cpus();
  } catch (...) {
    return 0;  // no memory for a path: the affinity alone
  }
}

}  // namespace

int usable_cpus() noexcept { return least({affinity_of(0), quota_or_none()}); }

int usable_cpus(const cpu_limits& before, const cpu_limits& now) noexcept {
  return least({now.of_process != before.of_process ? now.of_process : 0, now.of_thread, now.quota});
}

cpu_limits read_cpu_limits() noexcept { return {affinity_of(::getpid()), affinity_of(0), quota_or_none()}; }

}  // namespace gossamer::inline v0::base
