// runtime: questions to the scheduler, and gosched().
#pragma once

#include "detail/config.hpp"

namespace gossamer::inline v0::runtime {

// Lets other fibers run and returns when this one's turn comes again. From a plain thread: yields the thread.
GOSSAMER_API void gosched() noexcept;

// Ends the calling fiber: its destructors and deferred calls run, then it is gone. It leaves by an exception of its own
// type, which is no std::exception and no panic; a `catch (...)` that stops it ends the process: `fatal error`, exit 2.
// From main's fiber: the others go on, and when they are done the process ends: `fatal error: no fibers (main called
// runtime.goexit) - deadlock!`, exit 2. Panics on a plain thread.
[[noreturn]] GOSSAMER_API void goexit();

// The number of user fibers that are alive, main included, whether running, runnable, parked or not yet started. Exact
// when no fiber is being spawned or is ending. From anywhere.
GOSSAMER_API int num_fibers() noexcept;

// The number of workers that run fibers at the same time. From anywhere.
GOSSAMER_API int max_procs() noexcept;

// Sets the number of workers and returns the previous one. n < 1 changes nothing. A worker that is no longer wanted
// stops at its next switch; the fiber that it runs is not interrupted. Above the limit of 256: 256. From anywhere.
GOSSAMER_API int max_procs(int n);

// The number of CPUs that this process may use: its affinity and its cgroup's quota are respected. From anywhere.
GOSSAMER_API int num_cpu() noexcept;

}  // namespace gossamer::inline v0::runtime
