// marker: the search that marking.hpp promises, in three files: what there is to look through and who waits on what
// (mark_fibers.cpp), what everything that can still run begins with (mark_roots.cpp), and the marking (marking.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "debug/heap_blocks.hpp"
#include "debug/mappings.hpp"
#include "debug/marking.hpp"
#include "debug/room.hpp"
#include "fiber/fiber.hpp"
#include "sched/halt.hpp"

namespace gossamer::inline v0::leak {

using debug::address;
using debug::mapping;

inline constexpr unsigned address_bits = 47;  // of user space; more is a tag
inline constexpr std::uint32_t nobody = ~std::uint32_t{0};

inline address at(const void* p) noexcept { return reinterpret_cast<address>(p); }

inline address without_tag(address word) noexcept { return word & ((address{1} << address_bits) - 1); }

struct range {
  address begin;
  address end;
  bool has(address a) const noexcept { return begin <= a && a < end; }
};

// What a fiber waits on. One of the owners at most is there; where none is, everybody can reach it.
struct object {
  std::size_t block = debug::heap_blocks::none;
  std::uint32_t stack_of = nobody;
  std::uint32_t closure_of = nobody;
};

struct known_fiber {
  const fiber* f = nullptr;
  range stack{0, 0};   // all of it
  address used = 0;    // from here to its end
  bool waits = false;  // without a limit: what it has does not count until what it waits on is reached
  bool live = false;   // it can go on
  bool stack_reached = false;
  bool closure_reached = false;
  std::uint32_t first_object = 0;
  std::uint32_t objects = 0;
  std::uint32_t holder = nobody;
};

class marker {
 public:
  explicit marker(const instant& now) noexcept
      : now_(now), mappings_(debug::mappings_of_this_process(room_)), blocks_(mappings_, now.tcache_key, room_) {}

  std::ptrdiff_t find(std::span<lost_fiber> to) noexcept;

 private:
  static constexpr unsigned granule_bits = 26;
  // What lies in a granule.
  static constexpr std::uint8_t has_blocks = 1;
  static constexpr std::uint8_t has_stacks = 2;
  static constexpr std::uint8_t has_records = 4;
  // Of a block.
  static constexpr std::uint8_t unmarked = 0;
  static constexpr std::uint8_t reached = 1;
  static constexpr std::uint8_t held = 2;  // by one of the lost, for as long as it is looked at

  void note(range r, std::uint8_t what) noexcept;
  void know_fibers() noexcept;
  void know_objects() noexcept;
  object object_at(const void* p) const noexcept;
  std::uint32_t owner_of_stack(address a) const noexcept;
  std::uint32_t owner_of_closure(address a) const noexcept;
  bool is_in_system_call(const sched::halted& h) const noexcept;
  bool is_of_switch(const known_fiber& k, address a) const noexcept;
  void know_threads() noexcept;
  void mark_registers() noexcept;
  void cut(address begin, address end) noexcept;
  void cut_below(address low, bool of_worker) noexcept;
  void cut_what_is_no_root() noexcept;
  bool shares_memory() const noexcept;
  void mark_roots() noexcept;
  void mark_mapping(const mapping& m, range part, int pagemap) noexcept;
  void mark_pages(range part, bool of_libc) noexcept;
  void mark_fibers_in_the_making() noexcept;
  void mark_live_fibers() noexcept;
  void go_on_with(known_fiber& k) noexcept;
  bool is_reached(const object& o) const noexcept;
  void mark_through() noexcept;
  // Most words are numbers, which would lead all over the table of granules.
  void visit(address word) noexcept {
    if (const address a = without_tag(word); noted_.has(a)) {
      visit_noted(a);
    }
  }
  void visit_noted(address a) noexcept;
  void visit_all(address begin, address end) noexcept;
  void visit_closure(const fiber& f) noexcept;
  std::size_t block_of(address a) const noexcept;
  bool take_up(std::size_t block, std::uint8_t as) noexcept;
  void drain() noexcept;
  void name_holders() noexcept;
  void look_for_held(std::uint32_t k, std::size_t& left) noexcept;
  bool waits_on(const known_fiber& k, std::size_t block) const noexcept;

  const instant& now_;
  debug::room room_;
  const std::span<const mapping> mappings_;
  debug::heap_blocks blocks_;
  std::span<std::uint8_t> granules_;
  range noted_{0, 0};              // all that lies in any
  std::span<known_fiber> fibers_;  // by record
  std::span<std::uint32_t> by_stack_;
  std::span<object> objects_;
  std::span<range> holes_;  // of mappings: what is no root
  std::size_t hole_count_ = 0;
  std::span<std::uint8_t> marked_;  // by block
  std::span<std::uint32_t> todo_;   // blocks
  std::size_t todo_count_ = 0;
  std::span<std::uint32_t> fibers_todo_;  // whose stack or closure has been reached
  std::size_t fibers_todo_count_ = 0;
  std::span<std::byte> copy_;
  std::span<std::uint64_t> entries_;
  bool may_read_ = true;
};

}  // namespace gossamer::inline v0::leak
