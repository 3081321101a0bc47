// spawn: how a callable and its arguments get into a new fiber's record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "invoke.hpp"

namespace gossamer::inline v0::detail {

struct fiber;  // lib/fiber/fiber.hpp

inline constexpr std::size_t closure_bytes = 48;
inline constexpr std::size_t closure_align = 16;

// Runs the closure at `storage` and destroys it.
using invoke_function = void (*)(void* storage);

// A fiber that is being made: a record of its own, not yet known to the scheduler.
struct new_fiber {
  fiber* record;
  void* storage;  // closure_bytes, aligned to closure_align
};

// Takes a record; the return address of the call becomes the spawn site. stack_bytes 0: the runtime's.
GOSSAMER_API new_fiber spawn_begin(std::size_t stack_bytes);
// The same with a name, which is copied; empty: none.
GOSSAMER_API new_fiber spawn_begin(std::size_t stack_bytes, std::string_view name);
// Makes it runnable.
GOSSAMER_API void spawn_commit(fiber* record, invoke_function invoke) noexcept;
// Gives it back: its closure could not be made.
GOSSAMER_API void spawn_cancel(fiber* record) noexcept;
// Panics if a fiber cannot have a stack of that size; returns it.
GOSSAMER_API std::size_t checked_stack_bytes(std::size_t stack_bytes);
// Whether the calling fiber has called goexit.
GOSSAMER_API bool is_exiting() noexcept;
[[noreturn]] GOSSAMER_API void fatal_nil_function();
// `fatal error: out of memory: WHO cannot start its fiber`: for those that nobody could tell.
[[noreturn]] GOSSAMER_API void fatal_no_fiber(std::string_view who) noexcept;

// Calls f() in a fiber whose end others wait for. If it panics, keep() is called on the way out, and nobody's wait may
// end: main might return before the report. Source: Go's WaitGroup.Go.
template <class F, class Keep>
void call_awaited(F&& f, const Keep& keep) {
  struct leaving {
    const Keep& keep;
    bool by_panic = true;
    ~leaving() {
      if (by_panic && !is_exiting()) {
        keep();
      }
    }
  } it{keep};
  f();
  it.by_panic = false;
}

struct run_options {
  std::optional<int> procs;
  std::optional<std::size_t> stack_bytes;
  std::optional<std::uint64_t> seed;
};
// run(): calls body(argument) in the main fiber. *code is the exit code, read only if the process has to be ended here.
GOSSAMER_API void run_main(const run_options& how, void (*body)(void*), void* argument, const int* code);

template <class F>
bool is_nil_function([[maybe_unused]] const F& f) noexcept {
  if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
    return f == nullptr;
  } else if constexpr (std::is_constructible_v<F, std::nullptr_t> && requires { static_cast<bool>(f); }) {
    return !static_cast<bool>(f);
  } else {
    return false;
  }
}

template <class F, class... Args>
struct closure {
  std::tuple<F, Args...> parts;

  void operator()() {
    std::apply([](F& f, Args&... args) { detail::invoke(std::move(f), std::move(args)...); }, parts);
  }
};

template <class F>
struct closure<F> {
  F f;

  void operator()() { detail::invoke(std::move(f)); }
};

template <class Closure>
void invoke_in_place(void* storage) {
  struct ends {
    Closure& c;
    ~ends() noexcept(noexcept(c.~Closure())) { c.~Closure(); }
  } it{*static_cast<Closure*>(storage)};
  it.c();
}

template <class Closure>
void invoke_on_heap(void* storage) {
  struct ends {
    Closure* c;
    ~ends() noexcept(noexcept(delete c)) { delete c; }
  } it{*static_cast<Closure**>(storage)};
  (*it.c)();
}

struct spawn_guard {
  fiber* record;
  ~spawn_guard() {
    if (record != nullptr) {
      spawn_cancel(record);
    }
  }
};

// Copies f and args into `made` and lets it go. Inlined into go(), so that the compiler sees the closure's construction
// and the caller's frame is the spawn site.
template <class F, class... Args>
[[gnu::always_inline]] inline void spawn_closure(new_fiber made, F&& f, Args&&... args) {
  using type = closure<std::decay_t<F>, std::decay_t<Args>...>;
  if (is_nil_function(f)) {
    fatal_nil_function();
  }
  constexpr bool in_place = sizeof(type) <= closure_bytes && alignof(type) <= closure_align;
  constexpr bool nothrow = in_place && std::is_nothrow_constructible_v<std::decay_t<F>, F> &&
                           (std::is_nothrow_constructible_v<std::decay_t<Args>, Args> && ...);
  // What the storage held of another fiber's closure is not taken for this one's: see leak_waits.
  constexpr std::size_t used = in_place ? sizeof(type) : sizeof(type*);
  if constexpr (used < closure_bytes) {
    std::memset(static_cast<std::byte*>(made.storage) + used, 0, closure_bytes - used);
  }
  const auto construct = [&] {
    if constexpr (in_place && sizeof...(Args) == 0) {
      ::new (made.storage) type{std::forward<F>(f)};
    } else if constexpr (in_place) {
      ::new (made.storage) type{{std::forward<F>(f), std::forward<Args>(args)...}};
    } else if constexpr (sizeof...(Args) == 0) {
      ::new (made.storage) type*(new type{std::forward<F>(f)});
    } else {
      ::new (made.storage) type*(new type{{std::forward<F>(f), std::forward<Args>(args)...}});
    }
  };
  if constexpr (nothrow) {
    construct();
  } else {
    spawn_guard guard{made.record};
    construct();
    guard.record = nullptr;
  }
  spawn_commit(made.record, in_place ? &invoke_in_place<type> : &invoke_on_heap<type>);
}

}  // namespace gossamer::inline v0::detail
