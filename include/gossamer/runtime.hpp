// runtime: questions to the scheduler, gosched() and goexit(), and blocking calls.
//
// The process around it. The workers and the monitor are threads named goss/w0, goss/w1, …, goss/mon, which never end.
// They block asynchronous signals (but SIGPROF and SIGURG, see debug.hpp), so that users' handlers run on ordinary
// stacks.
//
// exit(): before static destructors run, all fibers stand still, for good. A fiber that does not give up its worker
// within a second is named on stderr, and the process ends with its code and without destructors; a thread in an
// announced blocking call is not waited for. Where a plain thread calls exit(), static objects that were constructed
// after the runtime had started are destroyed before the fibers stand still. A fiber that has called exit() may not
// block in a destructor: fatal error, exit 2.
//
// fork(): the child may only exec or _exit (posix_spawn does). It has none of the workers, so whatever needs them there
// (go(), a call that must block, a yield, run(), the end of the fiber that forked) ends it at once: `fatal error: the
// child of a fork() …`, exit 2. A child that is forked before the runtime has started may use it as it likes.
//
// The object that the library was linked into stays loaded once the runtime has started: dlclose() does not unmap it.
// Two copies of the library in one process (a static one in a plugin, say) do not know each other's fibers and
// channels, and their counts of workers, deadlock detection and exit hooks would be wrong together: the second one that
// starts to run fibers ends the process with a fatal error that names both files, exit 2.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "detail/config.hpp"

namespace gossamer::inline v0 {

namespace detail {

// False if there is nothing to end: on a plain thread, and within another blocking call.
GOSSAMER_API bool blocking_begin() noexcept;
GOSSAMER_API void blocking_end() noexcept;

struct blocking_call {
  const bool begun = blocking_begin();
  blocking_call() noexcept = default;
  blocking_call(const blocking_call&) = delete;
  blocking_call& operator=(const blocking_call&) = delete;
  ~blocking_call() {
    if (begun) {
      blocking_end();
    }
  }
};

GOSSAMER_API const char* enter_no_suspend(const char* name) noexcept;
GOSSAMER_API void leave_no_suspend(const char* before) noexcept;

}  // namespace detail

namespace runtime {

// Calls f, which may block the thread (a system call, a C library), and returns what it returns. If it takes longer
// than a millisecond or so another thread runs fibers in this one's place meanwhile, and what waits for this worker is
// taken over. A call that returns at once costs some nanoseconds. f should not use anything that parks the fiber; it
// may, but then it is not covered any more. When main returns, threads in such a call are not waited for. From a plain
// thread f is just called.
// A call that blocks and is not announced is noticed too, after some 10 ms.
template <class F>
decltype(auto) blocking(F&& f) {
  const detail::blocking_call call;
  return std::forward<F>(f)();
}

// Lets other fibers run and returns when this one's turn comes again. From a plain thread: yields the thread.
GOSSAMER_API void gosched() noexcept;

// Ends the calling fiber: its destructors and deferred calls run, then it is gone. It leaves by an exception of its own
// type, which is no std::exception and no panic; a `catch (...)` that stops it ends the process: `fatal error`, exit 2.
// From main's fiber: the others go on, and when they are done the process ends: `fatal error: no fibers (main called
// runtime.goexit) - deadlock!`, exit 2. Panics on a plain thread.
[[noreturn]] GOSSAMER_API void goexit();

// Locks the calling fiber to the thread that it runs on: until it has called unlock_os_thread() as often, it runs on
// that thread only, and no other fiber does. For what belongs to a thread: a GUI's or OpenGL's context, thread_local
// state of a C library. The other fibers lose nothing: another thread takes the place, so a locked one comes on top of
// max_procs(). Each wake-up of a locked fiber is a change of threads, some microseconds. A fiber that ends unlocks.
// Panics where the thread that is to run the other fibers cannot be made. Does nothing on a plain thread.
GOSSAMER_API void lock_os_thread();

// Undoes one lock_os_thread(); does nothing where there was none.
GOSSAMER_API void unlock_os_thread() noexcept;

// While it lives the calling fiber must not be suspended: what is held by the thread, and not by the fiber, is in use.
// Where the library was built with assertions, a call that would park it panics instead:
// `no_suspend: chan receive would block inside "NAME"`, and gosched() does nothing. Other builds do not check; there a
// call that may block may let others run even where it need not wait, as anywhere. Scopes nest; the innermost is named.
// `name` must outlive it. Does nothing on a plain thread.
class no_suspend {
 public:
  explicit no_suspend(const char* name) noexcept : before_(detail::enter_no_suspend(name)) {}
  no_suspend(const no_suspend&) = delete;
  no_suspend& operator=(const no_suspend&) = delete;
  ~no_suspend() { detail::leave_no_suspend(before_); }

 private:
  const char* before_;
};

// The number of user fibers that are alive, main included, whether running, runnable, parked or not yet started. Exact
// when no fiber is being spawned or is ending. From anywhere.
GOSSAMER_API int num_fibers() noexcept;

// What a fiber is at.
enum class status : std::uint8_t {
  runnable,  // waits for its turn, or has not started yet
  running,   // on a worker, and perhaps in a system call that nobody has announced
  syscall,   // in runtime::blocking()
  waiting,   // blocked: on a channel, a mutex, a timer, I/O, …
};

// The number of fibers that are at that. Each is looked at once, while they go on: a fiber that moves on meanwhile may
// be counted where it was, or where it is. Takes some nanoseconds a fiber. From anywhere.
GOSSAMER_API int num_fibers(status which) noexcept;

// The number of workers that run fibers at the same time. Unless it was set, by max_procs(n), an option of run() or the
// variable GOSSAMER, it is the number of CPUs that the process may use, and follows it: while fibers run, a change of
// the affinity (the process's, i.e. its main thread's; or that of all its threads) or of the cgroup's quota is noticed
// within a second or two. From anywhere.
GOSSAMER_API int max_procs() noexcept;

// Sets the number of workers and returns the previous one. n < 1 changes nothing. A worker that is no longer wanted
// stops at its next switch; the fiber that it runs is not interrupted. Above the limit of 256: 256. Until the next
// run() only set_default_max_procs() changes it. From anywhere.
GOSSAMER_API int max_procs(int n);

// Undoes max_procs(n), an option of run() and the variable GOSSAMER: until the next run() the number of workers is that
// of the CPUs that the process may use, as it is now, and follows it. Where it does already, it does so at once. Panics
// where a thread cannot be made. From anywhere.
// Source: Go's runtime.SetDefaultGOMAXPROCS.
GOSSAMER_API void set_default_max_procs();

// The number of CPUs that this process may use: its affinity and its cgroup's quota are respected. From anywhere.
GOSSAMER_API int num_cpu() noexcept;

// The library's name and version, for logs and reports of faults: `gossamer 0.1.0`. That of the library that the
// program runs with, if that is a shared one. From anywhere.
GOSSAMER_API std::string_view version() noexcept;

}  // namespace runtime

}  // namespace gossamer::inline v0
