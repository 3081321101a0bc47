// futex: sleeping on a word.
#pragma once

#include <atomic>
#include <cstdint>

#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::base {

using futex_word = std::atomic<std::uint32_t>;

// Sleeps while word == seen, until a wake or the deadline. May return early; the caller looks again.
void futex_wait(const futex_word& word, std::uint32_t seen, detail::deadline until = detail::no_deadline) noexcept;

void futex_wake(const futex_word& word, int threads = 1) noexcept;

}  // namespace gossamer::inline v0::base
