// beneath: opening what lies below a directory, and nothing else.
#pragma once

#include <sys/types.h>

#include <string>

namespace gossamer::inline v0::os {

// Opens `path` below the directory. The number, or a negative errno: -EXDEV where the path leads out of the directory.
// Blocks; never interrupted by a signal without saying so (-EINTR).
int open_beneath(int directory, const std::string& path, int flags, mode_t permissions) noexcept;

// The same step by step, for kernels (and sandboxes) without openat2. Each step is one name, no link among them: what
// a link says is put in front of the steps that are left. So `..` goes back to the directory that we came from, and
// not to where somebody has moved this one meanwhile.
int open_by_steps(int directory, const std::string& path, int flags, mode_t permissions) noexcept;

}  // namespace gossamer::inline v0::os
