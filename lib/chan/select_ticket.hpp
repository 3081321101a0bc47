// select_ticket: the ticket of a wait with the reason `select`, which says on which channels: for inspectors, which
// look while they hold its owner.
#pragma once

#include <cstddef>

#include "gossamer/detail/chan_core.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

struct select_ticket : wait::ticket {
  select_ticket(fiber* f, const chan_core* const* all, std::size_t n, bool ends) noexcept
      : ticket(f), channels(all), count(n), timed(ends) {}

  const chan_core* const* const channels;  // each once
  const std::size_t count;
  const bool timed;  // time ends it, if nothing else does
};

}  // namespace gossamer::inline v0::detail
