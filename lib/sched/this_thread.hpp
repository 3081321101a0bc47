// this_thread: the only raw thread-locals of the library. Both compilers would cache a thread-local's address across a
// switch, after which the fiber may be on another thread; these functions do not let them.
#pragma once

#include "base/rng.hpp"
#include "fiber/fiber.hpp"

namespace gossamer::inline v0::sched {

class worker;

// The worker whose thread this is; null on a plain thread.
worker* this_worker() noexcept;
void set_this_worker(worker* w) noexcept;
// The fiber that runs on it; null on a plain thread and on a worker's own stack. Also in a signal handler.
fiber* this_fiber() noexcept;

// The record through which this plain thread waits; made at the first call. Fatal where there is no memory for it.
fiber* thread_record() noexcept;

// This plain thread's values of fiber-locals. Not kept across anything that may block. Whoever may put something there
// asks for them to change: then they are destroyed when the thread ends, or calls exit().
detail::local_table*& thread_locals() noexcept;
detail::local_table*& thread_locals_to_change() noexcept;

// This plain thread's own generator. Not kept across anything that may block.
base::rng& thread_rng() noexcept;

}  // namespace gossamer::inline v0::sched
