// leak: fibers that do not end: a check for tests, a report of what is alive, and a watch over what grows.
// Source: uber-go/goleak (verify_none, its ignore list, retries with back-off). Differs: fibers that a test has spawned
// are told from those of other tests; a report says of each group how sure it is.
//
// All of it works from a fiber and from a plain thread, before the first run() (nobody is alive) and after the last one
// (nobody is alive any more: main's return has abandoned them).
//
// What a report says of a group, and by which rule; never more:
//   proven     Nothing that can still run reaches what it waits on: a channel (in a select: any of them), a mutex, an
//              rw_mutex, a wait group, a condition, a once or a barrier, without a limit of time or a stop. Or there is
//              nothing to reach: a nil channel, a select without cases. All memory is looked through for that, as by a
//              conservative garbage collector: from the writable memory of the program and its libraries, from the
//              stacks and registers of its threads, and from all fibers that can go on by themselves, through the
//              blocks of glibc's malloc. A word that looks like an address counts as one, and so too little may be
//              told, but nothing that is false, as long as whoever wants a handle later has an address of it, or of
//              what it lies in, in memory now, in an aligned word: not one that is encrypted, or packed with others
//              into a word by more than a tag in its upper 17 or lower 3 bits, or kept by nobody but the kernel
//              (epoll's data, a pipe), in a file, or in another process. Of other allocators than glibc's all memory
//              counts as in use; libgossamer_leak.so, preloaded before them, brings glibc's back. (That all fibers wait
//              for each other is proven by the runtime, which then ends the program: `all fibers are asleep`.)
//   likely     Is not said at present: what would have to be assumed for it was wrong too often.
//   suspected  Time and growth, by watch() alone: it waits for long, and so do more of its group with each window.
//   none       It is alive, and that is all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "debug.hpp"
#include "detail/config.hpp"
#include "error.hpp"

namespace gossamer::inline v0::leak {

// ---- what is alive --------------------------------------------------------------------------------------------------

enum class verdict : std::uint8_t { none, suspected, likely, proven };

// `none`, `suspected`, `likely`, `proven`.
GOSSAMER_API std::string_view text(verdict v) noexcept;

// Fibers that were spawned at the same place and are blocked at the same place, with the same verdict.
struct group {
  std::string spawned_by;  // the function that called go(); empty: not known
  std::string spawned_at;  // `file:line`; the module where that is not known
  std::string state;       // Go's words: `chan receive`, `sleep`, …, `runnable`, `running`, `syscall`
  // `file:line` of the call; empty unless it waits. Where std::scoped_lock or the like waits: of the program's own
  // call, and `function +0xOFF` where there is no debug information.
  std::string blocked_at;
  std::vector<std::uint64_t> fibers;        // ids, that which waits longest first
  std::chrono::nanoseconds oldest_wait{0};  // 0 unless they wait
  std::chrono::nanoseconds youngest_wait{0};
  verdict level = verdict::none;
  std::string why;  // in words; empty for none
  // Of a proven group, from its first fiber on: who else refers to what it waits on, who to what that one waits on, and
  // so on. All of them are lost. Empty where nobody else does, or it was not looked for (beyond 256 fibers, or where
  // they have much).
  std::vector<std::uint64_t> holders{};
};

// One fiber of a cycle: it waits at `where`, without a limit of time or a stop, for a sync::mutex that the next one
// (the last one's next is the first) holds, or for a sync::rw_mutex whose writer that is (its readers are not known).
// The holder is found by the stack on which lock() was called (see debug::object_info::owner): a mutex whose locker has
// ended is taken for that of the fiber that has the stack now. A mutex may be unlocked by somebody else, so a cycle is
// no verdict: its fibers are proven to be lost where nobody can reach a mutex of theirs. One alone has locked twice.
struct cycle_link {
  std::uint64_t fiber = 0;
  std::string name;
  std::source_location where;
  const void* mutex = nullptr;  // or rw_mutex
  std::string blocked_at{};     // as a group's
};
using cycle = std::vector<cycle_link>;

// What is alive but for main, the caller and the fibers of watches.
struct GOSSAMER_API findings {
  std::size_t total = 0;
  std::vector<group> groups;  // the surest verdict first; then the largest; then that which waits longest
  std::vector<cycle> cycles;
  // Why memory was not looked through, so that nobody but who can never be woken is proven to be lost; empty: it was.
  std::string unknown;

  // Lines for people, the last one ended too. First `N fibers are alive`; for each group its number, state, waits and
  // verdict, then where it is blocked, who has spawned it and its ids; each cycle with all its places.
  std::string text() const;
};

// At this moment. All threads of the process are stopped, by SIGURG, until it has been copied as by fork(), which takes
// the longer the more memory it has; one that has written 32 MiB or less is looked through while they stand. A system
// call of a plain thread that no SA_RESTART takes up again (poll, nanosleep) ends early, with EINTR. The caller's
// thread looks through the memory, or waits for the copy, which does: blocking. Then blocked fibers are held for some
// microseconds, one by one. Who is lost stays marked so (debug::fiber_info::leaked). Where a thread blocks SIGURG, or
// the copy cannot be made, or the process shares memory with others, and in builds with a sanitizer,
// findings::unknown says so, and less is proven. Throws std::bad_alloc. In a signal handler: nothing.
GOSSAMER_API findings report();

// ---- for tests ------------------------------------------------------------------------------------------------------

// Who is alive now: those are no leaks of what follows. Until it goes, what its maker (a fiber or a plain thread)
// spawns carries the label `leak.scope`, and so does what that spawns: so tests that run side by side are told apart.
// It goes in the fiber or thread that made it, and where there are several, the last one first. Throws std::bad_alloc.
class GOSSAMER_API snapshot {
 public:
  snapshot();
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;
  ~snapshot() = default;

  // Whether it was alive then.
  bool has(std::uint64_t id) const noexcept;
  // By what the maker's fibers are known: the label's value; and its own id (0: a plain thread), by which those are
  // that have replaced their labels (debug::set_labels), as long as all fibers between them live.
  const std::string& scope() const noexcept { return scope_; }
  std::uint64_t maker() const noexcept { return maker_; }

 private:
  std::vector<std::uint64_t> ids_;  // sorted
  std::uint64_t maker_;
  std::string scope_;
  debug::labels_scope mark_;
};

// Who does not count, and for how long the others may take to end. An empty string matches nobody.
struct options {
  std::chrono::nanoseconds patience = std::chrono::seconds(1);  // 0 or less: there is one look
  std::vector<std::string> names{};                             // of fibers: is it
  std::vector<std::string> spawn_sites{};                       // is part of `function file:line` of the spawn site
  std::vector<std::string> functions{};                         // is part of a function's name on the stack
  // Only fibers that the snapshot's maker, or who descends from it, has spawned since; with by_anyone: all that have
  // been spawned since.
  const snapshot* since = nullptr;
  bool by_anyone = false;
};

// nil if, at one moment before patience is at an end, no fiber is alive but main, the caller, those of watches and
// those that do not count. Otherwise an error that names them all, with the stack of the one of each group that waits
// longest:
//   leak: 2 fibers are alive after 1s
//   2 fibers [chan send, 1s]: proven leaked: …
// Looks again and again, at first after 1 us, then after twice as long each time, at most 100 ms. Where all
// who are left are proven to be lost they are not waited for: from 10 ms on, report()'s search is made now and then.
// Parks the fiber (blocks the thread). What fibers have done that have ended happens-before nil is returned. In a
// signal handler: an error. Throws std::bad_alloc. Source: goleak's Find.
[[nodiscard]] GOSSAMER_API error verify_none(const options& how = {});

// GOSSAMER=leaks=exit: when main returns, fibers that are still alive then, and a second later, are reported to stderr
// (findings::text(), after a line `gossamer: main has returned`). The exit code stays what it is.

// ---- for programs that run ------------------------------------------------------------------------------------------

// Of watch().
struct watch_options {
  std::chrono::nanoseconds blocked = std::chrono::minutes(1);  // only fibers that wait for so long already
  std::chrono::nanoseconds window = std::chrono::minutes(1);   // how often it looks
  int windows = 5;                                             // as often in turn there must be more of a group
};

// A watch at work, until it is stopped or destroyed. Movable.
class GOSSAMER_API watcher {
 public:
  watcher() noexcept = default;
  watcher(watcher&&) noexcept = default;
  watcher& operator=(watcher&& other) noexcept;
  ~watcher();

  // When it returns, the callback does not run and never will; called by the callback itself it does not wait for that.
  // What the callback did happens-before it returns. Again, or where there is none: does nothing. From anywhere, and
  // after run() has returned too.
  void stop() noexcept;
  explicit operator bool() const noexcept { return it_ != nullptr; }

 private:
  friend watcher watch(const watch_options& how, std::function<void(const findings&)> callback);
  struct state;
  std::shared_ptr<state> it_;
};

// From now on looks at all fibers once in a window, from a fiber of its own named `leak.watch`, and calls callback(f)
// there when there are groups (by the places where they were spawned and are blocked) of which more fibers waited for
// longer than `blocked` with each of the last `windows` windows: f.groups are those, suspected unless more is known of
// them. Then their count begins anew. Fibers that are proven to be lost are in f.groups once, at the first look that
// finds them, however short they have waited. What leaves the callback ends the process as a panic. Panics with
// `leak: non-positive window for watch`, `leak: watch needs a window at least`, `leak: negative wait for watch`, `leak:
// watch of nil func value`.
// Its ticker counts as one: while a watch is at work the runtime waits for the ticks, and does not report a deadlock,
// as Go does not while a timer runs. Cycles of mutexes are then found by report().
[[nodiscard]] GOSSAMER_API watcher watch(const watch_options& how, std::function<void(const findings&)> callback);

}  // namespace gossamer::inline v0::leak
