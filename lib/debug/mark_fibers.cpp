// mark_fibers: which fibers and other memory there are, and who waits on what. See marker.hpp.
#include <algorithm>
#include <new>

#include "chan/select_ticket.hpp"
#include "debug/marker.hpp"
#include "fiber/record_pool.hpp"
#include "machine/context.hpp"
#include "machine/stack.hpp"

namespace gossamer::inline v0::leak {

namespace {

// The ticket of one that waits in a select; null: another. A send or a receive with a limit is a select, too: its stop
// is one of the channels.
const gossamer::detail::select_ticket* select_of(const fiber& f) noexcept {
  const bool selects =
      f.reason == wait_reason::select || f.reason == wait_reason::select_no_cases ||
      ((f.reason == wait_reason::chan_receive || f.reason == wait_reason::chan_send) && !f.ticket->uncontested);
  return selects ? static_cast<const gossamer::detail::select_ticket*>(f.ticket) : nullptr;
}

// It is off its stack, and nothing but what it waits on can end its wait.
bool waits_without_limit(const fiber& f) noexcept {
  if (f.state.load(std::memory_order_relaxed) != fiber_state::parked || f.ticket == nullptr || f.context == nullptr ||
      wait::is_claimed(*f.ticket)) {
    return false;
  }
  if (const auto* const selects = select_of(f); selects != nullptr) {
    return !selects->timed;
  }
  switch (f.reason) {
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
    case wait_reason::mutex_lock:
    case wait_reason::once_do:
    case wait_reason::rw_mutex_rlock:
    case wait_reason::rw_mutex_lock:
    case wait_reason::wait_group_wait:
    case wait_reason::barrier_wait:
    case wait_reason::cond_wait:
      return f.ticket->uncontested && f.object != nullptr;
    case wait_reason::chan_receive_nil:
    case wait_reason::chan_send_nil:
      return f.ticket->uncontested;
    default:
      return false;
  }
}

}  // namespace

void marker::note(range r, std::uint8_t what) noexcept {
  noted_ = noted_.end == 0 ? r : range{std::min(noted_.begin, r.begin), std::max(noted_.end, r.end)};
  for (address g = r.begin >> granule_bits; g <= (r.end - 1) >> granule_bits && g < granules_.size(); ++g) {
    granules_[g] |= what;
  }
}

void marker::know_fibers() noexcept {
  std::size_t n = 0;
  records.for_each([&](const fiber& f) { n += f.id.load(std::memory_order_relaxed) != 0 ? 1U : 0U; });
  fibers_ = room_.take<known_fiber>(n);
  by_stack_ = room_.take<std::uint32_t>(n);
  if (!room_.has_all()) {
    return;
  }
  std::size_t i = 0;
  records.for_each([&](const fiber& f) {
    const fiber_state state = f.state.load(std::memory_order_relaxed);
    const bool is_gone = f.has(gossamer::detail::mark::abandoned) && state != fiber_state::running;
    if (f.id.load(std::memory_order_relaxed) == 0 || is_gone || state == fiber_state::thread) {
      return;
    }
    known_fiber& k = *::new (&fibers_[i++]) known_fiber;
    k.f = &f;
    if (f.started()) {
      k.stack = {at(machine::stack_bottom(f.stack, f.size_class)), at(machine::stack_top(f.stack, f.size_class))};
      const address left = state != fiber_state::running ? at(f.context) : 0;
      k.used = k.stack.has(left) ? left : k.stack.begin;
      note(k.stack, has_stacks);
    }
    k.waits = &f != now_.caller && waits_without_limit(f);
  });
  fibers_ = fibers_.first(i);
  std::sort(fibers_.begin(), fibers_.end(), [](const known_fiber& a, const known_fiber& b) { return a.f < b.f; });
  by_stack_ = by_stack_.first(i);
  for (std::size_t k = 0; k < i; ++k) {
    by_stack_[k] = static_cast<std::uint32_t>(k);
  }
  std::sort(by_stack_.begin(), by_stack_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return fibers_[a].stack.begin < fibers_[b].stack.begin; });
  records.for_each_slab(
      [&](const void* begin, std::size_t bytes) { note({at(begin), at(begin) + bytes}, has_records); });
  for (const debug::heap_segment& s : blocks_.segments()) {
    note({s.begin, s.end}, has_blocks);
  }
}

std::uint32_t marker::owner_of_stack(address a) const noexcept {
  const auto after = std::upper_bound(by_stack_.begin(), by_stack_.end(), a,
                                      [&](address v, std::uint32_t k) { return v < fibers_[k].stack.begin; });
  return after != by_stack_.begin() && fibers_[*(after - 1)].stack.has(a) ? *(after - 1) : nobody;
}

std::uint32_t marker::owner_of_closure(address a) const noexcept {
  const auto after =
      std::upper_bound(fibers_.begin(), fibers_.end(), a, [](address v, const known_fiber& k) { return v < at(k.f); });
  if (after == fibers_.begin()) {
    return nobody;
  }
  const address closure = at((after - 1)->f->closure);
  return a >= closure && a < closure + sizeof(fiber::closure) ? static_cast<std::uint32_t>(after - 1 - fibers_.begin())
                                                              : nobody;
}

object marker::object_at(const void* p) const noexcept {
  object o;
  o.block = blocks_.block_at(at(p));
  if (o.block == debug::heap_blocks::none) {
    o.stack_of = owner_of_stack(at(p));
    o.closure_of = owner_of_closure(at(p));
  }
  return o;
}

// After know_threads(): who is on a thread does not wait.
void marker::know_objects() noexcept {
  std::size_t n = 0;
  const auto count_of = [](const fiber& f) {
    const auto* const selects = select_of(f);
    const bool has_none = f.reason == wait_reason::chan_receive_nil || f.reason == wait_reason::chan_send_nil;
    return selects != nullptr ? selects->count : std::size_t{has_none ? 0U : 1U};
  };
  for (const known_fiber& k : fibers_) {
    n += k.waits ? count_of(*k.f) : 0;
  }
  objects_ = room_.take<object>(n);
  if (!room_.has_all()) {
    return;
  }
  std::uint32_t next = 0;
  for (known_fiber& k : fibers_) {
    if (!k.waits) {
      continue;
    }
    k.first_object = next;
    k.objects = static_cast<std::uint32_t>(count_of(*k.f));
    if (const auto* const selects = select_of(*k.f); selects != nullptr) {
      for (std::size_t i = 0; i < selects->count; ++i) {
        objects_[next++] = object_at(selects->channels[i]);
      }
    } else if (k.objects > 0) {
      objects_[next++] = object_at(k.f->object);
    }
  }
}

}  // namespace gossamer::inline v0::leak
