// debug: which fibers there are, where each is blocked, since when and on what, and who spawned it. Always on, in
// release builds too; nothing is stopped for it. Source: Go runtime/pprof, runtime/debug and SIGQUIT. Differs: fibers
// have names, and say what object they wait on; a snapshot is not of one instant, since nothing stops: each fiber is
// seen at an instant of its own.
//
// All of it works from a fiber, from a plain thread, before the first run() and after the last one. Called in a signal
// handler it refuses with errors (see dump).
//
// For this, threads that run fibers get a SIGURG when a fiber that runs is to show its stack, as Go's do for its
// preemption; one that comes from elsewhere goes to whoever had the signal before. A system call that was not announced
// (runtime::blocking) may therefore fail with EINTR; a worker in an announced one gets none.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "chan.hpp"
#include "debug/metrics.hpp"  // IWYU pragma: export
#include "detail/config.hpp"
#include "error.hpp"
#include "fwd.hpp"
#include "runtime.hpp"

namespace gossamer::inline v0::detail {
class thrown;
}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::debug {

// ---- labels ---------------------------------------------------------------------------------------------------------

// Keys and values that dumps show with a fiber. A fiber that is spawned starts with those of its spawner.
using labels = std::vector<std::pair<std::string, std::string>>;

// From now on the calling fiber (or plain thread) has these and no others, and those that it spawns inherit them. Of
// equal keys the last counts. Throws std::bad_alloc.
// Source: Go's pprof.SetGoroutineLabels.
GOSSAMER_API void set_labels(labels all);

// The caller's, sorted by key.
GOSSAMER_API labels current_labels();

// Adds `more` to the caller's labels (an equal key is replaced) until the end of a scope, which then has the labels
// that were there before. In the fiber that made it only. Throws std::bad_alloc.
class GOSSAMER_API labels_scope {
 public:
  explicit labels_scope(const labels& more);
  labels_scope(const labels_scope&) = delete;
  labels_scope& operator=(const labels_scope&) = delete;
  ~labels_scope();

 private:
  const void* before_;
};

// Calls f in such a scope, and returns what it returns.
// Source: Go's pprof.Do.
template <std::invocable F>
decltype(auto) with_labels(const labels& more, F&& f) {
  const labels_scope scope(more);
  return std::forward<F>(f)();
}

// ---- names of objects -----------------------------------------------------------------------------------------------

// While it lives, what fibers are blocked on has this name in snapshots and dumps: a channel, whichever handle of it is
// given, or a mutex, rw_mutex, wait_group or cond. It must go before the object does. Of several names the one that was
// given last counts. From anywhere but a signal handler. Throws std::bad_alloc.
//
//   sync::mutex accounts;
//   debug::object_name accounts_name(accounts, "accounts");
class GOSSAMER_API object_name {
 public:
  template <class Object>
  object_name(const Object& object, std::string name) : object_name(address_of(object), std::move(name)) {}
  template <class Object>
    requires(!gossamer::detail::is_channel<Object>)
  object_name(const Object&&, std::string) = delete;
  object_name(const object_name&) = delete;
  object_name& operator=(const object_name&) = delete;
  ~object_name();

  const std::string& name() const noexcept { return name_; }

 private:
  template <class Object>
  static const void* address_of(const Object& object) noexcept {
    if constexpr (gossamer::detail::is_channel<Object>) {
      return gossamer::detail::access::core(object);
    } else {
      return &object;
    }
  }
  object_name(const void* address, std::string name);

  const void* address_;
  std::string name_;
};

// ---- snapshots ------------------------------------------------------------------------------------------------------

// What a fiber is blocked on.
struct object_info {
  const void* address = nullptr;  // null: nothing that has one (a sleep, a nil channel)
  std::string_view kind;          // `chan`, `sync.Mutex`, `sync.RWMutex`, `sync.WaitGroup`, `sync.Cond`, `sync.Once`, …
  // How many fibers are blocked with this object; a select counts for the first of its channels.
  int waiters = 0;
  // Whether what follows was read: not for all kinds, and not where the fiber was about to go on.
  bool known = false;
  // chan
  std::size_t len = 0;
  std::size_t cap = 0;
  bool closed = false;
  // sync.Mutex, sync.RWMutex (of which a writer is meant). The fiber that holds it; 0 for nobody, or a plain thread. It
  // is found by the stack on which lock() was called, so a mutex that is handed from fiber to fiber is held by the one
  // that has locked it.
  bool locked = false;
  std::uint64_t owner = 0;
  // sync.RWMutex: how many readers hold it. They are not known by name.
  std::uint32_t readers = 0;
  std::string name{};  // object_name
};

// A fiber, as it was at one moment.
struct fiber_info {
  std::uint64_t id = 0;  // never used again
  std::string name;      // fiber_options::name
  debug::labels labels;
  std::uint64_t parent = 0;          // who spawned it; 0: a plain thread
  const void* spawn_site = nullptr;  // an address in the caller of go(); null for main
  bool is_main = false;
  bool locked_to_thread = false;
  std::uint32_t bubble = 0;  // the number of the one that it is in (gossamer/synctest.hpp); 0: none
  bool durable = false;      // in a bubble: it waits, and nobody from outside can end that
  // A search for leaks (leak::report, verify_none, watch) has proven that it can never go on: so it stays.
  bool leaked = false;
  runtime::status state = runtime::status::runnable;
  // While it is waiting: Go's words for why (`chan receive`, `select`, `sync.Mutex.Lock`, `sleep`, …); the place of the
  // call (line 0: not known); on what; and since when, as exactly as its worker looks at the clock. Otherwise empty;
  // but `where` of one that runs, and whose thread had no CPU to show its stack, is the place of its last blocking
  // call.
  std::string_view reason;
  std::source_location where;
  object_info object;
  std::vector<object_info> others;  // the further channels of a select, at most 15; their order means nothing
  std::chrono::steady_clock::time_point wait_start{};
  int last_worker = 0;  // where it runs, or was last seen to
  // Its stack, without the guard; null while it has none. high_water: how much of it is in memory, counted from the top
  // (filter::high_water); a stack that others have used before may have been touched by them.
  const void* stack_low = nullptr;
  const void* stack_high = nullptr;
  std::size_t high_water = 0;
  // With filter::stacks: return addresses, innermost first. Of more than 100 the first and the last 50: `elided` are
  // missing between them. whole: they reach back to the fiber's first function.
  std::vector<const void*> stack;
  std::size_t elided = 0;
  bool whole = false;

  // How long it has waited; 0 unless it is waiting.
  GOSSAMER_API std::chrono::nanoseconds waited() const;
};

// Which fibers, and how much of each. All that is set must hold.
struct filter {
  std::optional<runtime::status> state{};
  std::string_view reason{};             // is it
  std::string_view name{};               // is it
  std::string_view spawn_site{};         // is part of `function file:line` of the spawn site
  std::chrono::nanoseconds min_wait{0};  // waits for so long already
  std::uint64_t id = 0;
  std::vector<std::uint64_t> ids{};  // is one of them; empty: any
  bool leaked = false;               // is known to be: fiber_info::leaked
  bool stacks = false;               // fibers(): walk the stacks too
  bool high_water = false;           // some microseconds a fiber
};

// The fibers that are alive and that the filter lets through, by id. Every fiber that lives from before the call until
// after it is there exactly once; one that begins or ends meanwhile may be. Blocked ones are held for some
// microseconds, one by one, while they are looked at; of those that run only what does not change is certain. Throws
// std::bad_alloc. In a signal handler: nothing.
GOSSAMER_API std::vector<fiber_info> fibers(const filter& which = {});

// ---- what an address is ---------------------------------------------------------------------------------------------

// Where an address of code stands in the source.
struct source_line {
  std::string function;  // demangled; empty: not known
  std::string file;      // the source file; where that is not known (line 0) the module; empty: not known
  int line = 0;
  std::uintptr_t offset = 0;  // from where the function begins, or the module where that is not known
};

// Of a return address: the function that was inlined last comes first; at least one. From libbacktrace where the
// library was built with it and the program has debug information; else exported names.
GOSSAMER_API std::vector<source_line> lines_of(const void* return_address);

// ---- the process ----------------------------------------------------------------------------------------------------

// How many threads may run fibers, those counted that wait or are blocked; returns the number before. Where there is to
// be one more, and where there are more already, the process ends: `runtime: program exceeds N-thread limit`, `fatal
// error: thread exhaustion`, exit code 2. It is 10,000 at first, or what GOSSAMER=threads=N says, and never more than
// 10,000. From anywhere. Source: Go's debug.SetMaxThreads.
GOSSAMER_API int set_max_threads(int n);

// Nothing yet.
struct crash_options {};

// From now on the report with which the process ends (a panic, a fatal error, a fault of memory, SIGQUIT) goes to this
// file, too, and no more to the one that was given before; nil: to none. The file is duplicated: it may be closed. Best
// a file that was opened to append, or a pipe or a socket to a process that watches this one. A report waits for who
// reads it, but not for a socket that takes nothing for 5 seconds. An error: `dup /x: file already closed`, or what the
// kernel says. From anywhere. Source: Go's debug.SetCrashOutput.
GOSSAMER_API error set_crash_output(const os::file& to, crash_options how = {});
GOSSAMER_API error set_crash_output(std::nullptr_t, crash_options how = {});

// ---- dumps ----------------------------------------------------------------------------------------------------------

enum class format {
  text,    // Go's debug=2, with who holds a lock and the names of objects: each fiber with its stack, the caller (else
           // main) first; behind the state `(leaked)` of one that is known to be, and `(durable)` and `synctest bubble
           // 1` of one in a bubble
  groups,  // Go's debug=1: each distinct stack with a count, largest first
  json,    // below
  pprof,   // Go's debug=0: the gzipped protocol buffer that `go tool pprof` opens
  folded,  // a line for each distinct stack, `outermost;...;innermost COUNT`: for flame graphs
};

// JSON, one object:
//   {"version": 1, "time": SECONDS, "total": N,
//    "fibers": [{"id": 7, "name": "...", "labels": {...}, "parent": 1, "state": "waiting", "reason": "chan receive",
//                "main": false, "locked_to_thread": false, "worker": 0, "leaked": true, "bubble": 1, "durable": true,
//                "waited_ns": 12,
//                "where": {"function": "...", "file": "...", "line": 1},
//                "created_by": {"function": "...", "file": "...", "line": 1},
//                "blocked_on": {"address": "0x...", "kind": "chan", "waiters": 2, "len": 0, "cap": 8, "closed": false},
//                "or_on": [{"address": "0x...", ...}, ...],
//                "stack_low": "0x...", "stack_high": "0x...", "high_water": 4096, "whole": true, "elided": 0,
//                "stack": [{"address": "0x...", "function": "...", "file": "...", "line": 1}, ...]}, ...],
//    "objects": [{"address": "0x...", "kind": "...", "owner": 7, "waiters": [8, 9]}, ...],
//    "edges": [{"from": 8, "to": 7, "object": "0x..."}, ...]}
// What is not known or does not apply is left out, and so are `leaked` and `durable` unless they are true. blocked_on
// has the object's name if it has one, len, cap and closed of a chan, locked and owner of a sync.Mutex, and readers too
// of a sync.RWMutex; or_on are the further channels of a select. An edge says that `from` waits for what `to` holds.

// `text`, `groups`, `json`, `pprof` or `folded`; also Go's `2`, `1` and `0`. Else an error: `unknown dump format
// "..."`.
GOSSAMER_API std::pair<format, error> format_of(std::string_view name);

// Writes what the filter lets through, piece by piece, while everything goes on. To a descriptor, to a FILE (what it
// has buffered goes first), or appended to a string. Always with stacks. Several at once work side by side. An error:
// what the output said (a closed pipe raises no SIGPIPE); an output that takes nothing for 5 seconds; no memory; in a
// signal handler, where nothing is written: `dump called in a signal handler`.
GOSSAMER_API error dump(int fd, format how = format::text, const filter& which = {});
GOSSAMER_API error dump(std::FILE* file, format how = format::text, const filter& which = {});
GOSSAMER_API error dump(std::string& to, format how = format::text, const filter& which = {});

// To a function that gets each piece, in order, and returns an error to stop. It may block.
struct sink {
  error (*put)(void* to, std::string_view piece);
  void* to;
};
GOSSAMER_API error dump(const sink& to, format how = format::text, const filter& which = {});
template <class Put>
  requires(std::is_invocable_r_v<error, Put&, std::string_view>)
error dump(Put&& put, format how = format::text, const filter& which = {}) {
  using type = std::remove_reference_t<Put>;
  return dump(sink{[](void* p, std::string_view piece) -> error { return (*static_cast<type*>(p))(piece); },
                   const_cast<void*>(static_cast<const void*>(std::addressof(put)))},
              how, which);
}

// The caller's own stack, as text: `fiber N [running]:` and its frames; on a plain thread the frames alone.
// Source: Go's debug.Stack.
GOSSAMER_API std::string stack();

// The frames that threw it, as text; empty where they are not known. For those that go on after an exception (a server,
// whose handler has panicked) and say where it came from.
GOSSAMER_API std::string stack_of(const gossamer::detail::thrown& what);

// From now on the signal makes the process dump all fibers to stderr and go on: by a thread of its own, so it works
// while every worker is stuck in user code. Replaces what was set for the signal before. The same by the environment:
// GOSSAMER=dump=quit (usr1, usr2), where a format and a file may follow: dump=quit:groups, dump=usr1:json:/path. The
// file is opened at each dump, made with mode 0600 where it is not there, and refused if it is a symbolic link outside
// of /dev; text, groups and folded are appended, json and pprof replace what was there. If it cannot be opened, stderr
// says so, and gets the dump.
// Without it a SIGQUIT dumps all fibers and ends the process with exit code 2, as Go's does, unless the program itself
// has set something for it before the runtime starts (that the shell has a command with `&` ignore it does not count);
// GOSSAMER=dump=none leaves it alone. An error for a signal that cannot be caught, or that the runtime needs itself.
GOSSAMER_API error dump_on(int signal);

}  // namespace gossamer::inline v0::debug
