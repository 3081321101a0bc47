// heap_blocks: which blocks glibc's allocator has given out, read from its heaps as they lie in memory, by one beside
// whom nobody runs (see marking.hpp). Of other allocators, and where a heap does not look as it should, nothing is
// known.
//
// Source: the layout of glibc's malloc, 2.26 to 2.41: malloc_chunk (the size before the user's part, its low three bits
// flags), heap_info at multiples of 64 MiB, mapped chunks. A free chunk is known by the flag of the next one. Those
// that threads and arenas keep for quick use look as if they were in use; nobody refers to them but the lists that they
// are in, so these must not be followed: see is_tcache() and is_chunk().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "debug/mappings.hpp"
#include "debug/room.hpp"

namespace gossamer::inline v0::debug {

// Chunks in a row, and what of them is in use.
struct heap_segment {
  address begin;
  address end;          // of the last chunk
  address whole_begin;  // of all that belongs to it: an arena's own, and what is not given out
  address whole_end;
  std::span<const std::uint32_t> blocks;   // offsets from begin, in 16 bytes, of the chunks in use; in order
  std::span<const std::uint32_t> on_page;  // of each 4 KiB, and one more: how many of them begin before it
  std::size_t first;                       // the number of its first block, of all
};

class heap_blocks {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  // key: see tcache_key().
  heap_blocks(std::span<const mapping> all, std::uint64_t key, room& room) noexcept;

  // The number of the block that the address lies in.
  std::size_t block_at(address a) const noexcept;
  // Whether the block is a thread's list of free chunks.
  bool is_tcache(std::span<const std::byte> block) const noexcept;
  // Whether a chunk begins there: the user's part comes 16 bytes later.
  bool is_chunk(address a) const noexcept;
  // The user's part of a block.
  std::span<const std::byte> bytes_of(std::size_t block) const noexcept;
  std::size_t size() const noexcept { return size_; }
  std::span<const heap_segment> segments() const noexcept { return segments_; }

 private:
  void look_for_heaps(const mapping& m) noexcept;
  address take_mapped_chunk(address at, address limit) noexcept;
  address take_heap(address at, address limit) noexcept;
  void add(address begin, address end, address whole_begin, address whole_end) noexcept;
  const heap_segment* segment_at(address a) const noexcept;

  const std::uint64_t key_;
  room& room_;
  std::span<heap_segment> room_for_segments_;
  std::span<heap_segment> segments_;
  std::size_t size_ = 0;
};

// What glibc writes into the second word of a chunk that a thread keeps; 0: it does not. Before the others stand
// still, for it calls malloc.
std::uint64_t tcache_key() noexcept;

}  // namespace gossamer::inline v0::debug
