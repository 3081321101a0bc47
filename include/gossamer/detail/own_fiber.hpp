// own_fiber: fibers that the library starts where nobody could be told that there is no memory for one.
#pragma once

#include <new>
#include <string_view>
#include <utility>

#include "spawn.hpp"

namespace gossamer::inline v0::detail {

// As go(f). Fatal without memory: `fatal error: out of memory: WHO cannot start its fiber`.
template <class F>
[[gnu::always_inline]] inline void start_own_fiber(std::string_view who, F&& f) noexcept {
  try {
    spawn_closure(spawn_begin(0), std::forward<F>(f));
  } catch (const std::bad_alloc&) {
    fatal_no_fiber(who);
  }
}

}  // namespace gossamer::inline v0::detail
