// address_space: how much of it the process may have (ulimit -v, or -d), and what that means for who reserves some. By
// default the library reserves tens of MiB at once, as address space costs nothing; where it is limited it does.
#pragma once

#include <cstddef>

namespace gossamer::inline v0::base {

// The limit, in bytes, if it is low (below 4 GiB) at this moment; 0: there is none, or none worth a thought.
std::size_t low_address_limit() noexcept;

// `usual` bytes, but no more than a share (one of so many) of a low limit, and no less than `least`.
std::size_t share_of_address_space(std::size_t usual, std::size_t shares, std::size_t least) noexcept;

// Before the first of so many threads starts: under a low limit the C library's allocator gets no arena, 64 MiB, for
// each. The environment's MALLOC_ARENA_MAX has precedence.
void spare_arenas(std::size_t threads) noexcept;

}  // namespace gossamer::inline v0::base
