// advise: the same madvise() for many ranges of equal length, in one system call where the kernel can.
#pragma once

#include <cstddef>
#include <span>

namespace gossamer::inline v0::machine {

// Advises the `bytes` at each address, or at the first of them; how many, from the first on, it has done. 0 where the
// first was refused: errno says why. Thread-safe.
std::size_t advise_each(std::span<std::byte* const> ranges, std::size_t bytes, int advice) noexcept;

// Whether advise_each() does many ranges in one system call (Linux 6.15), as far as is known: true until the kernel has
// refused that for an advice which it takes for one range.
bool advises_many_at_once() noexcept;

}  // namespace gossamer::inline v0::machine
