// cpus: how many CPUs this process may use.
#pragma once

namespace gossamer::inline v0::base {

// The CPUs of the process's affinity mask, held to the quota of its cgroup (v2 or v1), rounded up. At least 1.
int usable_cpus() noexcept;

}  // namespace gossamer::inline v0::base
