// snapshot: see snapshot.hpp.
#include "debug/snapshot.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "debug/object_names.hpp"
#include "debug/peek.hpp"
#include "fiber/locals.hpp"
#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"
#include "machine/walk.hpp"
#include "sched/bubble.hpp"
#include "sched/held_call.hpp"
#include "sched/park.hpp"
#include "sched/sample.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::debug {

namespace {

using runtime::status;
namespace mark = gossamer::detail::mark;

// Fibers, and records, until the next barrier on all threads, and until the visitor gets what there is.
constexpr std::size_t batch_size = 256;
constexpr std::size_t looks_per_batch = 4096;

// How often a fiber that runs, and is gone when it is asked, is looked at anew.
constexpr int attempts = 20;

// How long a fiber that runs is given to answer: at first; once more, when all others have been seen; and how long they
// may take together.
constexpr std::chrono::milliseconds first_patience{10};
constexpr std::chrono::milliseconds late_patience{500};
constexpr std::chrono::milliseconds all_late_patience{2000};

// Whether the fiber has ended: then what it has done has happened before.
bool has_ended(const fiber& f, std::uint64_t id) noexcept {
  // acquire: pairs with the release at a fiber's end.
  if (f.id.load(std::memory_order_acquire) == id) {
    return false;
  }
  detail::sanitizer_acquire(const_cast<fiber*>(&f));
  return true;
}

// What does not change while the fiber lives.
void describe(const fiber& f, fiber_info& to) {
  to.parent = f.parent;
  to.is_main = f.has(mark::main);
  to.spawn_site = to.is_main ? nullptr : f.spawn_site;
  to.locked_to_thread = f.has(mark::locked);
  to.last_worker = f.last_worker;
  if (const machine::reserve r = f.stack; r != nullptr) {
    to.stack_low = machine::stack_bottom(r, f.size_class);
    to.stack_high = machine::stack_top(r, f.size_class);
  }
}

// Of a fiber that is held, or is the caller's own.
void describe_locals(const fiber& f, fiber_info& to) {
  if (f.has(mark::locals) && f.locals != nullptr) {
    to.name = f.locals->name != nullptr ? *f.locals->name : std::string();
    to.labels = f.locals->labels != nullptr ? f.locals->labels->all : labels();
    if (f.has(mark::bubbled)) {
      to.bubble = f.locals->place.of->number();
      to.durable = to.state == status::waiting && f.locals->place.is_durable();
    }
  }
}

void take_stack(const machine::stack_trace& trace, fiber_info& to) {
  to.stack = frames::addresses_of(trace);
  to.elided = trace.elided();
  to.whole = trace.whole;
}

// From the top of the stack down to the lowest page that is in memory: asks for some pages at a time, until none of
// them is.
std::size_t high_water(const void* low, const void* high) noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto end = reinterpret_cast<std::uintptr_t>(high);
  std::array<unsigned char, 512> resident;
  std::size_t deepest = 0;
  std::size_t at = 0;
  const std::size_t bytes = end - reinterpret_cast<std::uintptr_t>(low);
  while (at < bytes) {
    const std::size_t n = std::min(bytes - at, resident.size() * page);
    if (::mincore(reinterpret_cast<void*>(end - at - n), n, resident.data()) != 0) {
      break;
    }
    const auto* const last = resident.data() + n / page;
    const auto* const first = std::find_if(resident.data(), const_cast<unsigned char*>(last),
                                           [](unsigned char state) { return (state & 1) != 0; });
    if (first == last) {
      break;
    }
    deepest = at + static_cast<std::size_t>(last - first) * page;
    at += n;
  }
  return deepest;
}

}  // namespace

bool in_signal_handler() noexcept {
  machine::stack_trace trace;
  return machine::trace_here(trace);
}

namespace {

filter sorted(filter f) {
  std::sort(f.ids.begin(), f.ids.end());
  return f;
}

}  // namespace

snapshot::snapshot(const filter& which, bool objects) : which_(sorted(which)) {
  if (objects) {
    census_.emplace();
  }
  if (which.stacks) {
    rules_ = std::make_unique<machine::frame_rules>();
  }
  batch_.reserve(batch_size);
}

gossamer::detail::deadline snapshot::clock() const noexcept { return times_holds_ ? gossamer::detail::now() : 0; }

void snapshot::let_go(fiber& f, gossamer::detail::deadline since) noexcept {
  gossamer::detail::sanitizer_release(&f);  // to the fiber, which may destroy what was read
  const bool was_woken = inspecting_->release(f);
  longest_hold_ = std::max(longest_hold_, std::chrono::nanoseconds(clock() - since));
  if (was_woken) {
    sched::ready(&f);
  }
}

bool snapshot::is_asked_for(std::uint64_t id) const noexcept {
  const std::vector<std::uint64_t>& ids = which_.ids;
  return (which_.id == 0 || id == which_.id) && (ids.empty() || std::binary_search(ids.begin(), ids.end(), id));
}

// Whether the filter lets it through, as far as that can be known before its name and its stack are.
bool snapshot::may_pass(const fiber_info& info) const noexcept {
  return is_asked_for(info.id) && (!which_.leaked || info.leaked) && (!which_.state || info.state == *which_.state) &&
         (which_.reason.empty() || info.reason == which_.reason) &&
         (which_.min_wait <= std::chrono::nanoseconds(0) || info.waited() >= which_.min_wait);
}

// What objects_ has: while nobody is held.
void snapshot::take_objects(fiber_info& to) const {
  for (const object_seen& seen : objects_.all()) {
    object_info info = seen.info;
    if (census_) {
      info.waiters = std::max(census_->waiters_of(info.address), 1);
      info.owner = seen.holder != nullptr ? census_->owner_of(seen.holder) : 0;
    }
    info.name = name_of_object(info.address);
    if (to.object.address == nullptr) {
      to.object = info;
    } else {
      to.others.push_back(info);
    }
  }
}

void snapshot::add(fiber_info&& info) {
  if (!may_pass(info) || (!which_.name.empty() && info.name != which_.name)) {
    return;
  }
  if (info.state == status::waiting) {
    take_objects(info);
  }
  if (which_.high_water && info.stack_low != nullptr) {
    info.high_water = high_water(info.stack_low, info.stack_high);
  }
  batch_.push_back(std::move(info));
}

// True if it is done with: it was held, or it has ended.
bool snapshot::look_at_held(fiber& f, std::uint64_t id) {
  struct hold {
    snapshot& of;
    fiber& held;
    const gossamer::detail::deadline since = of.clock();
    ~hold() { of.let_go(held, since); }
  };
  fiber_info info;
  {
    const bool is_held = inspecting_->hold(f, id);
    const hold until_here{*this, f};
    if (!is_held) {
      return has_ended(f, id) || look_into_call(f, id);
    }
    gossamer::detail::sanitizer_acquire(&f);
    info.id = id;
    describe(f, info);
    if (f.state.load(std::memory_order_relaxed) == fiber_state::parked) {
      info.state = status::waiting;
      info.leaked = f.has(mark::leaked);
      info.reason = text(f.reason);
      info.where = f.where;
      info.wait_start = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(f.wait_start));
    }
    if (!may_pass(info)) {
      return true;
    }
    describe_locals(f, info);
    if (info.state == status::waiting) {
      objects_of(f, objects_);
    }
    if (which_.stacks && f.started()) {
      machine::trace_context(f.context, info.stack_low, info.stack_high, trace_, rules_.get());
      take_stack(trace_, info);
    } else if (which_.stacks) {
      info.stack = {reinterpret_cast<const std::byte*>(f.invoke) + 1};  // as if it had called
      info.whole = true;
    }
  }
  add(std::move(info));
  return true;
}

// It runs, and goes on running where it is, if it does not park. True if it is in an announced call, and was looked at.
bool snapshot::look_into_call(fiber& f, std::uint64_t id) {
  sched::worker* const w = sched::worker_of(f);
  if (w == nullptr || !w->in_call()) {
    return false;
  }
  fiber_info info;
  {
    const sched::held_call held(sched::the_scheduler.watcher, *w);
    if (!held || w->seen_running() != &f || f.id.load(std::memory_order_acquire) != id ||
        !w->look_into_call(f, trace_)) {
      return false;
    }
    info.id = id;
    info.state = status::syscall;
    describe(f, info);
    info.last_worker = w->index();
    gossamer::detail::sanitizer_acquire(&f);
    describe_locals(f, info);
  }
  if (which_.stacks) {
    take_stack(trace_, info);
  }
  add(std::move(info));
  return true;
}

void snapshot::look_at_own(fiber& f, std::uint64_t id) {
  fiber_info info;
  info.id = id;
  info.state = status::running;
  describe(f, info);
  info.last_worker = sched::this_worker()->index();
  describe_locals(f, info);
  if (which_.stacks) {
    trace_ = {};
    machine::trace_here(trace_);
    take_stack(trace_, info);
  }
  add(std::move(info));
}

// It could not be held: it runs, or has ended, or moves on. Nobody is held meanwhile.
snapshot::outcome snapshot::look_at_running(fiber& f, std::uint64_t id, std::chrono::nanoseconds patience, bool last) {
  sched::running_sample s;
  sched::sampled how = sched::sampled::silent;
  const sched::worker* const w = sched::worker_of(f);
  const bool in_call = w != nullptr && w->in_call();
  if (!in_call) {  // its name and labels too are its own to show
    how = sched::sample(f, id, s, patience);
  }
  fiber_info info;
  info.id = id;
  info.state = in_call ? status::syscall : status::running;
  describe(f, info);
  info.last_worker = w != nullptr ? w->index() : f.last_worker;
  info.name = std::move(s.name);
  if (s.labels != nullptr) {
    info.labels = s.labels->all;
    gossamer::detail::drop(s.labels);
  }
  if (how == sched::sampled::done && which_.stacks) {
    take_stack(s.trace, info);
  }
  const bool still_it = !has_ended(f, id);
  const bool runs = f.state.load(std::memory_order_acquire) == fiber_state::running;
  if (still_it && runs && how == sched::sampled::late && !last) {
    return outcome::late;
  }
  // One that was asked and has moved on is looked at anew; and so is one whose stack was in the middle of something, or
  // that is in a call and could not be kept there, since the monitor was at work.
  const bool seen = how == sched::sampled::done ? s.trace.whole : how != sched::sampled::moved && runs && !in_call;
  const bool done = !still_it || seen || last;
  if (still_it && done) {
    if (how != sched::sampled::done) {
      peeked p = peek(f, id);
      info.name = std::move(p.name);
      info.where = p.where;
    }
    add(std::move(info));
  }
  return done ? outcome::done : outcome::moved;
}

bool snapshot::look_at(fiber& f, std::chrono::nanoseconds patience, bool last) {
  const std::uint64_t id = id_of(f);
  if (id == 0 || !is_asked_for(id)) {
    return true;
  }
  if (&f == sched::this_fiber()) {
    look_at_own(f, id);
    return true;
  }
  for (int i = 0; i < attempts; ++i) {
    if (!inspecting_) {
      inspecting_.emplace();
    }
    if (look_at_held(f, id)) {
      return true;
    }
    inspecting_.reset();
    const outcome how = look_at_running(f, id, patience, last || i + 1 == attempts);
    if (how != outcome::moved) {
      return how == outcome::done;
    }
  }
  return true;
}

// Those whose threads had no CPU when they were asked: all others have been seen meanwhile.
void snapshot::look_at_late_ones(const std::function<void(fiber_info&)>& visit) {
  const gossamer::detail::deadline until = gossamer::detail::after(gossamer::detail::now(), all_late_patience);
  for (fiber* const f : late_) {
    const std::chrono::nanoseconds left(until - gossamer::detail::now());
    look_at(*f, std::clamp<std::chrono::nanoseconds>(left, first_patience, late_patience), true);
    if (batch_.size() >= batch_size) {
      flush(visit);
    }
  }
  late_.clear();
}

void snapshot::flush(const std::function<void(fiber_info&)>& visit) {
  inspecting_.reset();
  std::sort(batch_.begin(), batch_.end(), [](const fiber_info& a, const fiber_info& b) { return a.id < b.id; });
  for (fiber_info& info : batch_) {
    if (!which_.spawn_site.empty()) {
      if (info.spawn_site == nullptr) {
        continue;
      }
      const machine::source_line& l = frames::spawner(info.spawn_site, names_);
      const std::string site = l.function + " " + l.file + ":" + std::to_string(l.line);
      if (site.find(which_.spawn_site) == std::string::npos) {
        continue;
      }
    }
    ++seen_;
    visit(info);
  }
  batch_.clear();
}

void snapshot::for_each(const std::function<void(fiber_info&)>& visit) {
  fiber* first = sched::this_fiber();
  if (first == nullptr) {
    records.for_each([&](fiber& f) {
      if (id_of(f) != 0 && f.has(mark::main)) {
        first = &f;
      }
    });
  }
  if (first != nullptr) {
    look_at(*first, late_patience, true);
    flush(visit);
  }
  records.for_each([&](fiber& f) {
    if (&f == first) {
      return;
    }
    if (!look_at(f, first_patience, false)) {
      late_.push_back(&f);
    }
    if (batch_.size() >= batch_size || ++looks_ % looks_per_batch == 0) {
      flush(visit);
    }
  });
  look_at_late_ones(visit);
  flush(visit);
}

}  // namespace gossamer::inline v0::debug
