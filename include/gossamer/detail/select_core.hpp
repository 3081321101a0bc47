// select_core: the untyped select.
#pragma once

#include <cstddef>
#include <source_location>

#include "../limit.hpp"
#include "chan_core.hpp"
#include "config.hpp"
#include "deadline.hpp"

namespace gossamer::inline v0::detail {

// One case: a send of *value, or a receive into it.
struct select_op {
  chan_core* channel = nullptr;  // null: never ready
  bool sends = false;
  bool ok = false;        // of the chosen one: a value was transferred
  void* value = nullptr;  // moved from, or constructed, only if the case is chosen

  direction way() const noexcept { return sends ? direction::send : direction::receive; }
  bool may_succeed() const noexcept { return channel != nullptr && detail::may_succeed(*channel, way()); }
};

struct select_call {
  select_op* ops;
  std::size_t n;
  bool blocks = true;  // false: there is a default
  std::source_location where;
  deadline until = no_deadline;
  bool limited = false;  // one send or receive: the second case is a stop
};

// Chooses one of the cases that are ready, each as likely as another; blocks until there is one. Returns its index, or
// n for the default, and once the time has come. Panics with `send on closed channel`.
GOSSAMER_API std::size_t chan_select(const select_call& call);

// One send or receive with a limit: true if it did something (op.ok says what), false if the limit has ended it.
inline bool chan_limited(select_op& op, const wait::limit& limit, const std::source_location& where) {
  const wait::stop stop = limit.stop();
  if (stop.is_set()) {
    // Not a choice between the two: what can be had at once is had.
    return chan_select({&op, 1, false, where}) == 0;
  }
  char nothing = 0;
  // A stop is a channel's receiving side.
  select_op ops[] = {op, {static_cast<chan_core*>(stop.core()), false, false, &nothing}};
  const bool done = chan_select({ops, stop.core() != nullptr ? 2U : 1U, true, where, limit.deadline(), true}) == 0;
  op.ok = ops[0].ok;
  return done;
}

}  // namespace gossamer::inline v0::detail
