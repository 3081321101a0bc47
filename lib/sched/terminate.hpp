// terminate: std::terminate in a fiber is reported by name: a throw through noexcept, out of a destructor, or nothing
// that could be thrown.
#pragma once

namespace gossamer::inline v0::sched {

// When the runtime starts, and at each run(): takes the terminate handler over, unless it has it. In a fiber it prints
// `fatal error: terminate called ...`, the fiber and its frames; then, and outside of fibers at once, it calls the one
// that was there before. Of the C++ runtime's own, which would say less, and of one that returns, the abort is left.
void watch_for_terminate() noexcept;

}  // namespace gossamer::inline v0::sched
