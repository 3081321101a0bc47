// snapshot: looks at the fibers, each once, while everything goes on.
//
// Fibers that do not run are held one by one (fiber/inspect.hpp) for as long as it takes to copy their records and walk
// their stacks; those that run are asked by a signal (sched/sample.hpp). A fiber has the same record all its life, and
// each record is looked at until it has shown one or the other, so none is missed and none is seen twice.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "debug/census.hpp"
#include "debug/object.hpp"
#include "fiber/fiber.hpp"
#include "fiber/frames.hpp"
#include "fiber/inspect.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/detail/deadline.hpp"
#include "machine/frame_rules.hpp"

namespace gossamer::inline v0::debug {

class snapshot {
 public:
  // `objects`: owners and waiters too.
  snapshot(const filter& which, bool objects);
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;

  // Calls visit for every fiber that the filter lets through: the caller's own or, where it is none, main's first; the
  // others by id within a batch. While nobody is held: visit may block. What it gets is its own.
  void for_each(const std::function<void(fiber_info&)>& visit);
  // Before for_each(): it measures how long each fiber is held.
  void time_holds() noexcept { times_holds_ = true; }
  std::chrono::nanoseconds longest_hold() const noexcept { return longest_hold_; }
  // How many there were, and the names that were looked up.
  std::size_t seen() const noexcept { return seen_; }
  frames::names& names() noexcept { return names_; }

 private:
  // False if it runs and has not answered within `patience`. If this is the last look, then what can be known without
  // its help must do.
  bool look_at(fiber& f, std::chrono::nanoseconds patience, bool last);
  void look_at_late_ones(const std::function<void(fiber_info&)>& visit);
  bool look_at_held(fiber& f, std::uint64_t id);
  bool look_into_call(fiber& f, std::uint64_t id);
  void look_at_own(fiber& f, std::uint64_t id);
  enum class outcome : std::uint8_t { done, moved, late };
  outcome look_at_running(fiber& f, std::uint64_t id, std::chrono::nanoseconds patience, bool last);
  void add(fiber_info&& info);
  void take_objects(fiber_info& to) const;
  bool is_asked_for(std::uint64_t id) const noexcept;
  bool may_pass(const fiber_info& info) const noexcept;
  gossamer::detail::deadline clock() const noexcept;
  void let_go(fiber& f, gossamer::detail::deadline since) noexcept;
  void flush(const std::function<void(fiber_info&)>& visit);

  const filter which_;
  std::optional<census> census_;
  std::optional<inspector> inspecting_;  // a batch
  frames::names names_;
  machine::stack_trace trace_;
  std::unique_ptr<machine::frame_rules> rules_;  // where stacks are wanted
  objects_seen objects_;                         // of the fiber that is being looked at
  std::vector<fiber_info> batch_;
  std::vector<fiber*> late_;  // that run, and have not answered yet
  std::size_t looks_ = 0;
  std::size_t seen_ = 0;
  bool times_holds_ = false;
  std::chrono::nanoseconds longest_hold_{0};
};

// How long it had waited at a moment that may be past: fiber_info::waited() is of now.
std::chrono::nanoseconds waited_until(std::chrono::steady_clock::time_point at, const fiber_info& info) noexcept;

// Whether a signal has interrupted the calling thread, which is still in its handler.
bool in_signal_handler() noexcept;

}  // namespace gossamer::inline v0::debug
