// heap_blocks: see heap_blocks.hpp.
#include "debug/heap_blocks.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/read_memory.hpp"

namespace gossamer::inline v0::debug {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t unit = 16;  // of chunks' places
constexpr std::size_t header = 16;
constexpr address heap_span = address{64} << 20;

// Of a chunk's size.
constexpr address previous_in_use = 1;
constexpr address is_mapped = 2;
constexpr address flags = 7;

// Of heap_info: whose it is, the one before, how much of it is in use. Of malloc_state: the chunk that ends it.
constexpr std::size_t heap_bytes_at = 16;
constexpr std::size_t top_at = 96;
constexpr std::size_t most_heap_info = 64;
constexpr std::size_t least_arena = 1024;
constexpr std::size_t most_arena = 4096;

// Where nothing is known yet, it may be no memory.
address read_word(address at) noexcept {
  address word = 0;
  return base::copy_memory(reinterpret_cast<const void*>(at), &word, sizeof word) ? word : 0;
}

// Of a chunk in a row that was walked, or is being.
address field(address chunk) noexcept { return *reinterpret_cast<const address*>(chunk + sizeof(address)); }
address size_of(address chunk) noexcept { return field(chunk) & ~flags; }
address previous_size(address chunk) noexcept { return *reinterpret_cast<const address*>(chunk); }
address second_word(address chunk) noexcept { return *reinterpret_cast<const address*>(chunk + header + 8); }

// Whether chunks lead from begin to end.
bool leads(address begin, address end) noexcept {
  while (begin < end) {
    const address n = size_of(begin);
    if (n < unit || n % unit != 0 || n > end - begin) {
      return false;
    }
    begin += n;
  }
  return begin == end;
}

// A thread's free chunks, as glibc 2.30 to 2.41 keeps them: how many there are of each size, and the first of each.
constexpr std::size_t tcache_sizes = 64;
constexpr std::size_t tcache_bytes = tcache_sizes * (2 + sizeof(address));
constexpr std::uint16_t most_cached = 127;

// The first place from which chunks lead to the end; 0: none.
address first_chunk(address from, address to, address end) noexcept {
  for (address at = (from + unit - 1) & ~(unit - 1); at < std::min(to, end); at += unit) {
    if (leads(at, end)) {
      return at;
    }
  }
  return 0;
}

std::uint64_t key_after_free(std::size_t bytes) noexcept {
  constexpr std::uint64_t pattern = 0x5bd1e995c6b79f31;
  auto* const words = static_cast<volatile std::uint64_t*>(std::malloc(bytes));
  if (words == nullptr) {
    return 0;
  }
  words[1] = pattern;
  const auto at = reinterpret_cast<address>(words);
  std::free(const_cast<std::uint64_t*>(words));
  const std::uint64_t now = read_word(at + 8);
  return now == pattern ? 0 : now;
}

}  // namespace

std::uint64_t tcache_key() noexcept {
#if defined(__GLIBC__)
  const std::uint64_t key = key_after_free(24);
  return key == key_after_free(600) ? key : 0;
#else
  return 0;
#endif
}

heap_blocks::heap_blocks(std::span<const mapping> all, std::uint64_t key, room& room) noexcept
    : key_(key), room_(room), room_for_segments_(room.take<heap_segment>(all.size() + 65536)) {
#if defined(__GLIBC__)
  for (std::size_t i = 0; i < all.size(); ++i) {
    const mapping& m = all[i];
    if (!m.readable || !m.writable || !m.is_private || m.of_file) {
      continue;
    }
    if (m.name == "[heap]") {
      address end = m.end;
      bool whole = true;
      while (i + 1 < all.size() && all[i + 1].name == m.name && all[i + 1].begin == end) {
        end = all[++i].end;
        whole = whole && all[i].readable && all[i].writable;
      }
      if (!whole) {
        continue;
      }
      // Its top reaches the end. What lies before the first chunk (a static program's thread-locals) is no block.
      if (const address first = first_chunk(m.begin, m.begin + 2 * page, end); first != 0) {
        add(first, end, first, end);
      }
    } else if (m.name.empty() || m.name.substr(0, 6) == "[anon:") {
      look_for_heaps(m);
    }
  }
#endif
  segments_ = room_for_segments_.first(segments_.size());
}

// Chunks in a row. Where they do not reach the end of the whole there is one behind them, which is in no use; else the
// last of them is (the top), or is mapped.
void heap_blocks::add(address begin, address end, address whole_begin, address whole_end) noexcept {
  const bool followed = end < whole_end;
  if (segments_.size() == room_for_segments_.size() ||
      (end - begin) / unit > std::numeric_limits<std::uint32_t>::max()) {
    return;  // a root, then
  }
  const std::span<std::uint32_t> all = room_.rest<std::uint32_t>();
  std::size_t n = 0;
  for (address chunk = begin; chunk < end;) {
    const address next = chunk + size_of(chunk);
    const bool mapped = (field(chunk) & is_mapped) != 0;
    const bool used = mapped || ((next < end || followed) && (field(next) & previous_in_use) != 0);
    if (!used && next < end && previous_size(next) != next - chunk) {
      return;  // somebody was at work there
    }
    if (used) {
      if (n == all.size()) {
        return;
      }
      all[n++] = static_cast<std::uint32_t>((chunk - begin) / unit);
    }
    chunk = next;
  }
  const std::span<const std::uint32_t> blocks = room_.take<std::uint32_t>(n);
  const std::size_t pages = (end - begin + page - 1) / page;
  const std::span<std::uint32_t> on_page = room_.take<std::uint32_t>(n > 1 ? pages + 1 : 0);
  for (std::size_t p = 0, i = 0; p < on_page.size(); ++p) {
    while (i < n && blocks[i] < p * (page / unit)) {
      ++i;
    }
    on_page[p] = static_cast<std::uint32_t>(i);
  }
  if (!room_.has_all()) {
    return;
  }
  segments_ = room_for_segments_.first(segments_.size() + 1);
  segments_.back() = {begin, end, whole_begin, whole_end, blocks, on_page, size_};
  size_ += n;
}

// A block that is a mapping of its own. Returns its bytes; 0: there is none.
address heap_blocks::take_mapped_chunk(address at, address limit) noexcept {
  const address size = read_word(at + sizeof(address));
  const address bytes = size & ~flags;
  if (read_word(at) != 0 || (size & flags) != is_mapped || bytes == 0 || bytes % page != 0 || bytes > limit - at) {
    return 0;
  }
  add(at, at + bytes, at, at + bytes);
  return bytes;
}

// A heap of an arena: the first one's arena lies in it, behind its heap_info; the newest one ends with the top, the
// others with a chunk of no size. Returns how much of it is in use; 0: there is none.
address heap_blocks::take_heap(address at, address limit) noexcept {
  const address arena = read_word(at);
  const address first_heap = arena & ~(heap_span - 1);
  const address bytes = read_word(at + heap_bytes_at);
  if (at % heap_span != 0 || arena - first_heap < header || arena - first_heap > most_heap_info ||
      read_word(first_heap) != arena || bytes <= most_arena || bytes % page != 0 || bytes > limit - at) {
    return 0;
  }
  const address top = read_word(arena + top_at);
  const address end = top > at && top < at + bytes ? top : at + bytes - header;
  const address least = first_heap == at ? arena + least_arena : at + header;
  const address most = first_heap == at ? arena + most_arena : at + 2 * most_heap_info;
  if (const address first = first_chunk(least, most, end); first != 0) {
    add(first, end, at, at + bytes);
  }
  return bytes;
}

void heap_blocks::look_for_heaps(const mapping& m) noexcept {
  const auto own = reinterpret_cast<address>(room_.begin());
  for (address at = m.begin; at < m.end;) {
    if (at >= own && at - own < room_.bytes()) {
      at = own + room_.bytes();  // it is large, and each look would make a page of it
      continue;
    }
    address bytes = take_mapped_chunk(at, m.end);
    bytes = bytes > 0 ? bytes : take_heap(at, m.end);
    at = bytes > 0 ? at + bytes : (at + heap_span) & ~(heap_span - 1);
  }
}

// All that it refers to is free, and says so.
bool heap_blocks::is_tcache(std::span<const std::byte> block) const noexcept {
  if (key_ == 0 || block.size() < tcache_bytes || block.size() > tcache_bytes + header) {
    return false;
  }
  const auto* const counts = reinterpret_cast<const std::uint16_t*>(block.data());
  const auto* const first = reinterpret_cast<const address*>(block.data() + 2 * tcache_sizes);
  for (std::size_t i = 0; i < tcache_sizes; ++i) {
    if (counts[i] > most_cached ||
        (first[i] != 0 && (block_at(first[i]) == none || second_word(first[i] - header) != key_))) {
      return false;
    }
  }
  return true;
}

const heap_segment* heap_blocks::segment_at(address a) const noexcept {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), a,
                                      [](address v, const heap_segment& s) { return v < s.begin; });
  return after != segments_.begin() && a < (after - 1)->end ? &*(after - 1) : nullptr;
}

std::size_t heap_blocks::block_at(address a) const noexcept {
  const heap_segment* const s = segment_at(a);
  if (s == nullptr || s->blocks.empty()) {
    return none;
  }
  const auto place = static_cast<std::uint32_t>((a - s->begin) / unit);
  auto from = s->blocks.begin();
  auto to = s->blocks.end();
  if (!s->on_page.empty()) {
    const std::size_t p = (a - s->begin) / page;
    from += s->on_page[p];
    to = p + 1 < s->on_page.size() ? s->blocks.begin() + s->on_page[p + 1] : to;
  }
  auto i = std::upper_bound(from, to, place);
  // The last word of a block lies where the next chunk begins.
  for (int tries = 0; tries < 2 && i != s->blocks.begin(); ++tries) {
    --i;
    const address chunk = s->begin + std::size_t{*i} * unit;
    const address end = chunk + size_of(chunk) + ((field(chunk) & is_mapped) != 0 ? 0 : sizeof(address));
    if (a >= chunk + header) {
      return a < end ? s->first + static_cast<std::size_t>(i - s->blocks.begin()) : none;
    }
  }
  return none;
}

bool heap_blocks::is_chunk(address a) const noexcept {
  const heap_segment* const s = segment_at(a);
  return s != nullptr && a % unit == 0 && block_at(a + header) == none;
}

std::span<const std::byte> heap_blocks::bytes_of(std::size_t block) const noexcept {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), block,
                                      [](std::size_t n, const heap_segment& s) { return n < s.first; });
  const heap_segment& s = *(after - 1);
  const address chunk = s.begin + std::size_t{s.blocks[block - s.first]} * unit;
  const address bytes = size_of(chunk) - ((field(chunk) & is_mapped) != 0 ? header : sizeof(address));
  return {reinterpret_cast<const std::byte*>(chunk + header), bytes};
}

}  // namespace gossamer::inline v0::debug
