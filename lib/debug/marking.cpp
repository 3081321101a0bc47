// marking: see marking.hpp and marker.hpp.
#include "debug/marking.hpp"

#include <algorithm>

#include "debug/marker.hpp"
#include "fiber/record_pool.hpp"
#include "machine/context.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::leak {

namespace {

constexpr std::size_t batch_bytes = std::size_t{64} << 10;
// How much of what one lost fiber has is looked through for what others wait on, and of what all of them have.
constexpr std::size_t bytes_per_holder = std::size_t{256} << 10;
constexpr std::size_t bytes_of_holders = std::size_t{4} << 20;
constexpr std::size_t most_slabs = std::size_t{1} << 20;  // of stacks and of records

}  // namespace

// Whether the address, in the stack of one that waits, is what the runtime itself goes by when it switches: where it
// was left, or what is to be done once it has left. Whoever has run after it may have that on its stack, and refers to
// nothing of the fiber's by it.
bool marker::is_of_switch(const known_fiber& k, address a) const noexcept {
  if (a < k.used + machine::saved_bytes) {
    return true;
  }
  if (a % alignof(sched::departure) != 0 || a + sizeof(sched::departure) > k.stack.end) {
    return false;
  }
  const auto& departure = *reinterpret_cast<const sched::departure*>(a);
  const address first_word = *reinterpret_cast<const address*>(a);  // of a parking: its ticket
  return departure.from == k.f || first_word == at(k.f->ticket);
}

// Of an address without a tag.
std::size_t marker::block_of(address a) const noexcept {
  return (granules_[a >> granule_bits] & has_blocks) != 0 ? blocks_.block_at(a) : debug::heap_blocks::none;
}

// True if the block has come to be done by this: it had not been marked.
bool marker::take_up(std::size_t block, std::uint8_t as) noexcept {
  if (marked_[block] != unmarked) {
    return false;
  }
  marked_[block] = as;
  todo_[todo_count_++] = static_cast<std::uint32_t>(block);
  return true;
}

void marker::visit_noted(address a) noexcept {
  const std::uint8_t what = granules_[a >> granule_bits];
  if (what == 0) {
    return;
  }
  if (const std::size_t b = block_of(a); b != debug::heap_blocks::none) {
    take_up(b, reached);
    return;
  }
  if ((what & has_stacks) != 0) {
    if (const std::uint32_t k = owner_of_stack(a); k != nobody) {
      known_fiber& its = fibers_[k];
      if (its.waits && !its.live && !its.stack_reached && !is_of_switch(its, a)) {
        its.stack_reached = true;
        fibers_todo_[fibers_todo_count_++] = k;
      }
      return;
    }
  }
  if ((what & has_records) != 0) {
    if (const std::uint32_t k = owner_of_closure(a); k != nobody) {
      known_fiber& its = fibers_[k];
      if (its.waits && !its.live && !its.closure_reached) {
        its.closure_reached = true;
        fibers_todo_[fibers_todo_count_++] = k;
      }
    }
  }
}

// Of memory that is there.
void marker::visit_all(address begin, address end) noexcept {
  for (begin = (begin + 7) & ~address{7}; begin + 8 <= end; begin += 8) {
    visit(*reinterpret_cast<const address*>(begin));
  }
}

void marker::visit_closure(const fiber& f) noexcept { visit_all(at(f.closure), at(f.closure) + sizeof f.closure); }

void marker::drain() noexcept {
  while (todo_count_ > 0 || fibers_todo_count_ > 0) {
    if (todo_count_ > 0) {
      const std::span<const std::byte> b = blocks_.bytes_of(todo_[--todo_count_]);
      if (!blocks_.is_tcache(b)) {
        visit_all(at(b.data()), at(b.data()) + b.size());
      }
      continue;
    }
    known_fiber& k = fibers_[fibers_todo_[--fibers_todo_count_]];
    if (k.stack_reached) {
      visit_all(k.used, k.stack.end);
    }
    if (k.closure_reached) {
      visit_closure(*k.f);
    }
  }
}

// All that it has counts.
void marker::go_on_with(known_fiber& k) noexcept {
  k.live = true;
  const bool is_callers = k.f == now_.caller;
  if (is_callers && now_.callers_frame == nullptr) {
    return;
  }
  visit_closure(*k.f);
  visit(at(k.f->locals));
  visit(at(k.f->exceptions.caught));
  if (is_callers) {
    visit_all(k.stack.has(at(now_.callers_frame)) ? at(now_.callers_frame) : k.used, k.stack.end);
  } else if (k.f->started()) {
    visit_all(k.used, k.stack.end);
  }
  drain();
}

// Of a fiber that is being made, or is ending, the closure is somebody's already, or still: of each record without an
// id, but those that are free.
void marker::mark_fibers_in_the_making() noexcept {
  std::size_t all = 0;
  records.for_each([&](const fiber&) { ++all; });
  const std::span<const fiber*> room = room_.take<const fiber*>(all);
  std::size_t n = 0;
  const auto note = [&](const fiber& f) {
    if (n < room.size()) {
      room[n++] = &f;
    }
  };
  records.free_ones().for_each(all, note);
  for (int i = 0; i < sched::the_scheduler.threads(); ++i) {
    const sched::worker& w = sched::the_scheduler.at(i);
    w.cached_records().free_ones().for_each(all, note);
  }
  const std::span<const fiber*> free = room.first(n);
  std::sort(free.begin(), free.end());
  records.for_each([&](const fiber& f) {
    if (f.id.load(std::memory_order_relaxed) == 0 && !std::binary_search(free.begin(), free.end(), &f)) {
      visit_closure(f);
      visit(at(f.locals));
      drain();
    }
  });
}

void marker::mark_live_fibers() noexcept {
  for (known_fiber& k : fibers_) {
    if (!k.waits) {
      go_on_with(k);
    }
  }
}

bool marker::is_reached(const object& o) const noexcept {
  if (o.block != debug::heap_blocks::none) {
    return marked_[o.block] == reached;
  }
  if (o.stack_of != nobody) {
    return fibers_[o.stack_of].live || fibers_[o.stack_of].stack_reached;
  }
  return o.closure_of == nobody || fibers_[o.closure_of].live || fibers_[o.closure_of].closure_reached;
}

// Until nothing changes.
void marker::mark_through() noexcept {
  for (bool more = true; more;) {
    more = false;
    for (known_fiber& k : fibers_) {
      if (!k.live && std::any_of(objects_.begin() + k.first_object, objects_.begin() + k.first_object + k.objects,
                                 [&](const object& o) { return is_reached(o); })) {
        go_on_with(k);
        more = true;
      }
    }
  }
}

// ---- who has what others wait on ------------------------------------------------------------------------------------

bool marker::waits_on(const known_fiber& k, std::size_t block) const noexcept {
  return std::any_of(objects_.begin() + k.first_object, objects_.begin() + k.first_object + k.objects,
                     [&](const object& o) { return o.block == block; });
}

// Marks what one of the lost can come by, looks who waits on that, and unmarks it again.
void marker::look_for_held(std::uint32_t k, std::size_t& left) noexcept {
  const std::size_t before = todo_count_;
  const std::size_t enough = left - std::min(left, bytes_per_holder);
  const auto look = [&](address begin, address end) {
    for (begin = (begin + 7) & ~address{7}; begin + 8 <= end && left > enough; begin += 8) {
      left -= 8;
      const address a = without_tag(*reinterpret_cast<const address*>(begin));
      if (const std::size_t b = noted_.has(a) ? block_of(a) : debug::heap_blocks::none; b != debug::heap_blocks::none) {
        take_up(b, held);
      }
    }
  };
  const known_fiber& its = fibers_[k];
  look(at(its.f->closure), at(its.f->closure) + sizeof its.f->closure);
  look(its.used, its.stack.end);
  std::size_t done = before;
  for (; done < todo_count_ && left > enough; ++done) {
    const std::span<const std::byte> b = blocks_.bytes_of(todo_[done]);
    look(at(b.data()), at(b.data()) + b.size());
  }
  for (known_fiber& other : fibers_) {
    if (other.live || &other == &its || other.holder != nobody || other.objects == 0) {
      continue;
    }
    const object& o = objects_[other.first_object];
    if (o.block != debug::heap_blocks::none && marked_[o.block] == held && !waits_on(its, o.block)) {
      other.holder = k;
    }
  }
  for (std::size_t i = before; i < todo_count_; ++i) {
    marked_[todo_[i]] = unmarked;
  }
  todo_count_ = before;
}

void marker::name_holders() noexcept {
  constexpr std::uint32_t most = 256;  // whom people read about
  std::uint32_t seen = 0;
  std::size_t left = bytes_of_holders;
  for (std::uint32_t k = 0; k < fibers_.size() && seen < most && left > 7; ++k) {
    if (!fibers_[k].live) {
      ++seen;
      look_for_held(k, left);
    }
  }
}

std::ptrdiff_t marker::find(std::span<lost_fiber> to) noexcept {
  granules_ = room_.take<std::uint8_t>(std::size_t{1} << (address_bits - granule_bits));
  marked_ = room_.take<std::uint8_t>(blocks_.size());
  todo_ = room_.take<std::uint32_t>(blocks_.size() + 1);
  copy_ = room_.take<std::byte>(batch_bytes);
  // One that has no place is scanned: less is told.
  holes_ = room_.take<range>(blocks_.segments().size() + 4 * now_.threads.size() + most_slabs);
  entries_ = room_.take<std::uint64_t>(512);
  if (mappings_.empty() || !room_.has_all() || shares_memory()) {
    return -1;
  }
  know_fibers();
  fibers_todo_ = room_.take<std::uint32_t>(2 * fibers_.size());
  if (!room_.has_all()) {
    return -1;
  }
  know_threads();
  cut_what_is_no_root();
  know_objects();
  if (!room_.has_all()) {
    return -1;
  }
  mark_registers();
  mark_roots();
  mark_fibers_in_the_making();
  mark_live_fibers();
  mark_through();
  if (!may_read_ || !room_.has_all()) {
    return -1;
  }
  name_holders();
  std::size_t n = 0;
  for (const known_fiber& k : fibers_) {
    if (!k.live) {
      if (n < to.size()) {
        to[n] = {k.f->id.load(std::memory_order_relaxed),
                 k.holder != nobody ? fibers_[k.holder].f->id.load(std::memory_order_relaxed) : 0};
      }
      ++n;
    }
  }
  return static_cast<std::ptrdiff_t>(std::min(n, to.size()));
}

std::ptrdiff_t mark(const instant& at, std::span<lost_fiber> to) noexcept {
  marker m(at);
  return m.find(to);
}

}  // namespace gossamer::inline v0::leak
