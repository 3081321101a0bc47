// go: starting fibers, and run(), which gives a program its first one.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "detail/config.hpp"
#include "detail/misuse.hpp"
#include "detail/spawn.hpp"

namespace gossamer::inline v0 {

// How a runtime is set up. What is not set comes from the environment variable GOSSAMER (procs=4,stack=256k,seed=7),
// and otherwise from the machine.
struct options {
  // Workers that run fibers at the same time, 1 to 256. Default: num_cpu().
  std::optional<int> procs{};
  // Address space of a fiber's stack, guard included, rounded up to a power of two: 16 KiB to 1 GiB. Default: 256 KiB
  // (1 MiB in debug and sanitizer builds). Memory is used only as the stack grows.
  std::optional<std::size_t> stack_bytes{};
  // Seed of every random choice of the scheduler (and of the perturbations of a stress build). Default: the clock.
  std::optional<std::uint64_t> seed{};
};

// How one fiber differs from the others.
struct fiber_options {
  // As options::stack_bytes, for this fiber alone; 0 means the runtime's.
  std::size_t stack_bytes = 0;
  // What dumps call it beside its number; copied. Empty: nothing. Not inherited.
  std::string_view name{};
};

// Starts a fiber that calls f(args...) and returns at once. f and args are copied (or moved) now, by the caller; what
// they throw leaves go() and no fiber is started. A closure of up to 48 bytes costs no allocation.
// The call happens-before the fiber starts. An exception that leaves the fiber ends the process: `panic: TEXT`, exit 2.
// An empty std::function or a null pointer is fatal: `go of nil func value`.
// Throws std::bad_alloc where there is no memory for another fiber.
// From a fiber or any thread. Before run() it starts the runtime.
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[gnu::always_inline]] inline void go(F&& f, Args&&... args) {
  detail::spawn_closure(detail::spawn_begin(0), std::forward<F>(f), std::forward<Args>(args)...);
}

// The same with options. Panics where they are out of range.
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[gnu::always_inline]] inline void go(const fiber_options& how, F&& f, Args&&... args) {
  detail::spawn_closure(
      detail::spawn_begin(how.stack_bytes == 0 ? 0 : detail::checked_stack_bytes(how.stack_bytes), how.name),
      std::forward<F>(f), std::forward<Args>(args)...);
}

// Do not fit.
template <class F, class... Args>
  requires(!detail::starts<F, Args...> && !std::convertible_to<F, const fiber_options&>)
void go(F&&, Args&&...) {
  detail::check_starts<F, Args...>();
}
template <class F, class... Args>
  requires(!detail::starts<F, Args...>)
void go(const fiber_options&, F&&, Args&&...) {
  detail::check_starts<F, Args...>();
}

// Runs main in a fiber of its own (with a stack of 8 MiB), on the workers, and returns what it returned (0 for void)
// once it has. The calling thread waits and runs no fibers. When main returns, the other fibers are abandoned: they
// never run again and their destructors do not run; one that does not give up its worker within 1 s ends the process
// with main's code, and its name is printed. A fiber begins with the floating-point control (rounding, flushing to
// zero, masks, precision) of who spawns it, as a thread does, and keeps its own over all that it waits for.
//
// Objects may outlive a run() and be used by a later one, or by plain threads: what abandoned fibers wait for they do
// not get, and they stand in nobody's way. But what they have got is gone with them: a lock that they hold stays locked
// (one that they were handed but have never held: a mutex is free again, an rw_mutex stays locked), a value that was
// handed to them is lost, a semaphore's tokens that they have acquired stay taken. Timers that were armed in a run()
// do not fire once it is over, those of contexts with a deadline too; reset() arms a timer or a ticker again.
//
// May be called again afterwards. Panics if called from a fiber or while another run() is at work, or if an option is
// out of range.
template <class F>
  requires std::invocable<F&>
[[gnu::always_inline]] inline int run(F&& main, const options& how = {}) {
  int code = 0;
  auto body = [&] {
    if constexpr (std::convertible_to<std::invoke_result_t<F&>, int>) {
      code = static_cast<int>(main());
    } else {
      main();
    }
  };
  using body_type = decltype(body);
  detail::run_main(
      {how.procs, how.stack_bytes, how.seed}, [](void* b) { (*static_cast<body_type*>(b))(); }, &body, &code);
  return code;
}

// Does not fit.
template <class F>
  requires(!std::invocable<F&>)
int run(F&&, const options& = {}) {
  detail::check_called<F>();
  return 0;
}

}  // namespace gossamer::inline v0
