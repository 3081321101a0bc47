// address_space: how much of it the process may have (ulimit -v, or -d), and what that means for who reserves some. By
// default the library reserves tens of MiB at once, as address space costs nothing; where it is limited it does.
#pragma once

#include <cstddef>
#include <optional>

namespace gossamer::inline v0::base {

// The limit, in bytes, if it is low (below 4 GiB) at this moment; 0: there is none, or none worth a thought.
std::size_t low_address_limit() noexcept;

// `usual` bytes, but no more than a share (one of so many) of a low limit, and no less than `least`.
std::size_t share_of_address_space(std::size_t usual, std::size_t shares, std::size_t least) noexcept;

// How much of a low limit is left, in bytes. Nothing where there is no low limit, or the kernel does not say: no /proc,
// no descriptor left.
std::optional<std::size_t> address_space_left() noexcept;

// What must stay free of a low limit after a large reservation: for records, threads, and the report that nothing is
// left; and for the arenas, 64 MiB each, that the C library's allocator may yet give to threads.
std::size_t spare_address_space() noexcept;

// Before the first thread starts: under a low limit the C library's allocator gets no more arenas than
// spare_address_space() counts with, as long as the limit stays. The environment's MALLOC_ARENA_MAX has precedence.
void spare_arenas() noexcept;

}  // namespace gossamer::inline v0::base
