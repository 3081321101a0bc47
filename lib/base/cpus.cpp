// cpus: see cpus.hpp.
#include "base/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace gossamer::inline v0::base {

namespace {

using file = std::unique_ptr<std::FILE, decltype([](std::FILE* f) { std::fclose(f); })>;

file open(const std::string& path) { return file(std::fopen(path.c_str(), "re")); }

int affinity() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

// Quota over period, rounded up; 0 where there is none.
int to_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>((quota + period - 1) / period)) : 0;
}

// cgroup v2: `QUOTA PERIOD` or `max PERIOD`, in the group itself or in any above it: the tightest counts.
int quota_v2(std::string group) {
  int tightest = 0;
  for (;;) {
    if (const file f = open("/sys/fs/cgroup" + group + "/cpu.max")) {
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

int quota_v1() {
  double quota = 0;
  double period = 0;
  const file q = open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const file p = open("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (!q || !p || std::fscanf(q.get(), "%lf", &quota) != 1 || std::fscanf(p.get(), "%lf", &period) != 1) {
    return 0;
  }
  return to_cpus(quota, period);
}

int quota() {
  const file f = open("/proc/self/cgroup");
  char line[4096];
  while (f && std::fgets(line, sizeof line, f.get()) != nullptr) {
    if (std::strncmp(line, "0::", 3) == 0) {
      std::string group(line + 3);
      group.erase(std::min(group.find('\n'), group.size()));
      if (const int n = quota_v2(group == "/" ? "" : group)) {
        return n;
      }
    }
  }
  return quota_v1();
}

}  // namespace

int usable_cpus() noexcept {
  const int cpus = std::max(1, affinity());
  try {
    const int limit = quota();
    return limit > 0 ? std::min(cpus, limit) : cpus;
  } catch (...) {
    return cpus;  // no memory for a path: the affinity alone
  }
}

}  // namespace gossamer::inline v0::base
