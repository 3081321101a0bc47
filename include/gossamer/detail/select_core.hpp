// select_core: the untyped select.
#pragma once

#include <cstddef>
#include <source_location>

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
};

struct select_call {
  select_op* ops;
  std::size_t n;
  bool blocks = true;  // false: there is a default
  std::source_location where;
  deadline until = no_deadline;
};

// Chooses one of the cases that are ready, each as likely as another; blocks until there is one. Returns its index, or
// n for the default, and once the time has come. Panics with `send on closed channel`.
GOSSAMER_API std::size_t chan_select(const select_call& call);

}  // namespace gossamer::inline v0::detail
