// select_ticket: the ticket of a wait with the reason `select`, which says on which channels: for inspectors, which
// look while they hold its owner.
#pragma once

#include <cstddef>

#include "gossamer/detail/chan_core.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

struct select_ticket : wait::ticket {
  select_ticket(fiber* f, const chan_core* const* all, std::size_t n) noexcept : ticket(f), channels(all), count(n) {}

  const chan_core* const* const channels;  // each once
  const std::size_t count;
};

}  // namespace gossamer::inline v0::detail
