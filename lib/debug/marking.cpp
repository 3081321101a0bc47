// marking: see marking.hpp.
#include "debug/marking.hpp"

#include <fcntl.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/libc_version.hpp"
#include "base/read_memory.hpp"
#include "chan/select_ticket.hpp"
#include "debug/heap_blocks.hpp"
#include "debug/mappings.hpp"
#include "debug/room.hpp"
#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"
#include "machine/walk.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::leak {

namespace {

using debug::address;
using debug::mapping;

constexpr std::size_t page = 4096;
constexpr std::size_t red_zone = 128;
constexpr unsigned granule_bits = 26;
constexpr unsigned address_bits = 47;  // of user space; more is a tag
constexpr std::size_t batch_bytes = std::size_t{64} << 10;
// Of one lost fiber, how many blocks are looked through for what others wait on.
constexpr std::size_t blocks_per_holder = 512;
constexpr std::size_t most_slabs = std::size_t{1} << 20;  // of stacks and of records
constexpr std::uint32_t nobody = ~std::uint32_t{0};

address at(const void* p) noexcept { return reinterpret_cast<address>(p); }

address without_tag(address word) noexcept { return word & ((address{1} << address_bits) - 1); }

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

bool is_libc(const mapping& m) noexcept {
  return m.name.find("/libc.so") != m.name.npos || m.name.find("/libc-2") != m.name.npos;
}

bool is_claimed(const wait::ticket& t) noexcept {
  return t.uncontested ? t.result != wait::outcome::pending : t.claimed.load(std::memory_order_relaxed);
}

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
      is_claimed(*f.ticket)) {
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

class marking {
 public:
  explicit marking(const instant& now) noexcept
      : now_(now), mappings_(debug::mappings_of_this_process(room_)), blocks_(mappings_, now.tcache_key, room_) {}

  std::ptrdiff_t find(std::span<lost_fiber> to) noexcept;

 private:
  static constexpr std::uint8_t has_blocks = 1;
  static constexpr std::uint8_t has_stacks = 2;
  static constexpr std::uint8_t has_records = 4;
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
  void mark_mapping(const mapping& m, range part) noexcept;
  void mark_pages(range part, bool of_libc) noexcept;
  void mark_fibers_in_the_making() noexcept;
  void mark_live_fibers() noexcept;
  void go_on_with(known_fiber& k) noexcept;
  bool is_reached(const object& o) const noexcept;
  void mark_through() noexcept;
  void visit(address word) noexcept;
  void visit_all(address begin, address end) noexcept;
  void visit_closure(const fiber& f) noexcept;
  std::size_t block_of(address a) const noexcept;
  bool take_up(std::size_t block, std::uint8_t as) noexcept;
  void drain() noexcept;
  void name_holders() noexcept;
  void look_for_held(std::uint32_t k) noexcept;
  bool waits_on(const known_fiber& k, std::size_t block) const noexcept;

  const instant& now_;
  debug::room room_;
  const std::span<const mapping> mappings_;
  debug::heap_blocks blocks_;
  std::span<std::uint8_t> granules_;
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
  int pagemap_ = -1;
  bool may_read_ = true;
};

// ---- what there is --------------------------------------------------------------------------------------------------

void marking::note(range r, std::uint8_t what) noexcept {
  for (address g = r.begin >> granule_bits; g <= (r.end - 1) >> granule_bits && g < granules_.size(); ++g) {
    granules_[g] |= what;
  }
}

void marking::know_fibers() noexcept {
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

std::uint32_t marking::owner_of_stack(address a) const noexcept {
  const auto after = std::upper_bound(by_stack_.begin(), by_stack_.end(), a,
                                      [&](address v, std::uint32_t k) { return v < fibers_[k].stack.begin; });
  return after != by_stack_.begin() && fibers_[*(after - 1)].stack.has(a) ? *(after - 1) : nobody;
}

std::uint32_t marking::owner_of_closure(address a) const noexcept {
  const auto after =
      std::upper_bound(fibers_.begin(), fibers_.end(), a, [](address v, const known_fiber& k) { return v < at(k.f); });
  if (after == fibers_.begin()) {
    return nobody;
  }
  const address closure = at((after - 1)->f->closure);
  return a >= closure && a < closure + sizeof(fiber::closure) ? static_cast<std::uint32_t>(after - 1 - fibers_.begin())
                                                              : nobody;
}

object marking::object_at(const void* p) const noexcept {
  object o;
  o.block = blocks_.block_at(at(p));
  if (o.block == debug::heap_blocks::none) {
    o.stack_of = owner_of_stack(at(p));
    o.closure_of = owner_of_closure(at(p));
  }
  return o;
}

// After know_threads(): who is on a thread does not wait.
void marking::know_objects() noexcept {
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

// ---- threads --------------------------------------------------------------------------------------------------------

void marking::cut(address begin, address end) noexcept {
  if (begin < end && hole_count_ < holes_.size()) {
    holes_[hole_count_++] = {begin, end};
  }
}

// Of a thread's own stack only what is in use counts: of the first thread's; and of a worker's, whose guard is below
// it. A stack that others have made for a thread may be a part of anything.
void marking::cut_below(address low, bool of_worker) noexcept {
  const mapping* const m = debug::mapping_of(mappings_, low);
  if (m == nullptr || m->of_file || m->name == "[heap]") {
    return;
  }
  // Later ones guard stacks within a mapping: neighbours may be one.
  const bool is_guarded =
      !base::glibc_is_at_least(2, 42) && m != mappings_.data() && (m - 1)->end == m->begin && !(m - 1)->readable;
  if ((of_worker && is_guarded) || m->name == "[stack]") {
    cut(m->begin, low);
  }
}

// The worker whose thread it is; null: another's.
const sched::worker* worker_on(pid_t thread) noexcept {
  for (int i = 0; i < sched::the_scheduler.threads(); ++i) {
    if (const sched::worker& w = sched::the_scheduler.at(i); w.thread_id() == thread) {
      return &w;
    }
  }
  return nullptr;
}

// The thread is in a system call of the C library's, whose callers take all vector registers for overwritten.
bool marking::is_in_system_call(const sched::halted& h) const noexcept {
  const void* const pc = machine::interrupted_instruction(h.saved);
  const mapping* const m = debug::mapping_of(mappings_, at(pc));
  return m != nullptr && is_libc(*m) && m->readable && at(pc) >= m->begin + 2 && at(pc) + 2 <= m->end &&
         machine::is_at_system_call(pc);
}

void marking::mark_registers() noexcept {
  for (const sched::halted& h : now_.threads) {
    for (const long long value : machine::interrupted_registers(h.saved)) {
      visit(static_cast<address>(value));
    }
  }
  drain();
}

void marking::know_threads() noexcept {
  for (const sched::halted& h : now_.threads) {
    const address sp = at(h.stack_pointer) - red_zone;
    const auto& saved = *static_cast<const ucontext_t*>(h.saved);
    const range signal_stack{at(saved.uc_stack.ss_sp), at(saved.uc_stack.ss_sp) + saved.uc_stack.ss_size};
    address low = sp;
    if (signal_stack.has(at(h.saved))) {
      cut(signal_stack.begin, is_in_system_call(h) && !signal_stack.has(sp) ? signal_stack.end : at(h.saved));
    } else if (at(h.saved) < sp) {
      low = at(h.saved);
    }
    if (const std::uint32_t k = owner_of_stack(sp); k != nobody) {
      fibers_[k].waits = false;
      fibers_[k].used = owner_of_stack(low) == k ? low : sp;
      low = 0;
    } else if (signal_stack.has(sp)) {
      low = 0;
    }
    const sched::worker* const w = worker_on(h.thread);
    if (low == 0 && w != nullptr) {
      low = at(w->own_context());
    }
    cut_below(low, w != nullptr);
  }
  cut(at(now_.callers_signal_stack.data()), at(now_.callers_signal_stack.data()) + now_.callers_signal_stack.size());
  const sched::worker* const w = now_.caller != nullptr ? worker_on(now_.callers_thread) : nullptr;
  cut_below(w != nullptr ? at(w->own_context()) : at(now_.callers_frame), w != nullptr);
}

// ---- roots ----------------------------------------------------------------------------------------------------------

void marking::cut_what_is_no_root() noexcept {
  for (const debug::heap_segment& s : blocks_.segments()) {
    cut(s.whole_begin, s.whole_end);
  }
  records.for_each_slab([&](const void* begin, std::size_t bytes) { cut(at(begin), at(begin) + bytes); });
  machine::for_each_slab([](const void* begin, std::size_t bytes,
                            void* self) { static_cast<marking*>(self)->cut(at(begin), at(begin) + bytes); },
                         this);
  cut(at(room_.begin()), at(room_.begin()) + room_.bytes());
  cut(at(now_.answer.data()), at(now_.answer.data()) + now_.answer.size());
  holes_ = holes_.first(hole_count_);
  std::sort(holes_.begin(), holes_.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
}

// What is shared with others through a file of a disk nobody expects addresses in.
bool is_shared_memory(const mapping& m) noexcept {
  const auto begins = [&](std::string_view with) { return m.name.substr(0, with.size()) == with; };
  return !m.is_private && (begins("/dev/zero") || begins("/memfd:") || begins("/dev/shm/") || begins("/SYSV") ||
                           begins("/dev/hugepages/") || begins("/anon_hugepage"));
}

// Only one's own is as it was at the instant: into what is shared others go on to write.
bool marking::shares_memory() const noexcept {
  return std::any_of(mappings_.begin(), mappings_.end(), [&](const mapping& m) {
    return is_shared_memory(m) && m.writable && !m.has(at(now_.answer.data()));
  });
}

void marking::mark_roots() noexcept {
  pagemap_ = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  auto hole = holes_.begin();
  for (const mapping& m : mappings_) {
    if (!m.readable || !m.is_private || m.name == "[vvar]" || m.name == "[vsyscall]") {
      continue;
    }
    address from = m.begin;
    while (hole != holes_.begin() && (hole - 1)->end > from) {
      --hole;
    }
    while (hole != holes_.end() && hole->end <= from) {
      ++hole;
    }
    for (auto h = hole; h != holes_.end() && h->begin < m.end; ++h) {
      if (h->begin > from) {
        mark_mapping(m, {from, h->begin});
      }
      from = std::max(from, h->end);
    }
    if (from < m.end) {
      mark_mapping(m, {from, m.end});
    }
  }
}

// Pages that were written: they are in memory or swapped out, and no file's.
void marking::mark_mapping(const mapping& m, range part) noexcept {
  const bool of_libc = is_libc(m);
  constexpr std::uint64_t present_or_swapped = std::uint64_t{3} << 62;
  constexpr std::uint64_t of_file = std::uint64_t{1} << 61;
  const std::size_t at_once = entries_.size();
  address begin = part.begin;
  while (begin < part.end) {
    const address first = begin / page;
    const std::size_t n = std::min<std::size_t>((part.end + page - 1) / page - first, at_once);
    const bool known = pagemap_ >= 0 && ::pread(pagemap_, entries_.data(), n * 8, static_cast<off_t>(first * 8)) ==
                                            static_cast<ssize_t>(n * 8);
    const auto is_written = [&](std::uint64_t e) { return (e & present_or_swapped) != 0 && (e & of_file) == 0; };
    for (std::size_t i = 0; i < n;) {
      std::size_t j = i;
      while (j < n && (known ? is_written(entries_[j]) : m.writable)) {
        ++j;
      }
      if (j > i) {
        mark_pages({std::max(begin, (first + i) * page), std::min(part.end, (first + j) * page)}, of_libc);
      }
      i = j + (j < n ? 1 : 0);
    }
    begin = std::min(part.end, (first + n) * page);
  }
}

// By a system call, which leaves out what is no memory.
void marking::mark_pages(range part, bool of_libc) noexcept {
  address from = (part.begin + 7) & ~address{7};
  while (from + 8 <= part.end) {
    const std::size_t n = std::min<std::size_t>(part.end - from, copy_.size()) & ~std::size_t{7};
    const ssize_t got = base::read_memory(reinterpret_cast<const void*>(from), copy_.data(), n);
    if (got < 8) {
      may_read_ = may_read_ && (got >= 0 || errno == EFAULT);
      from = (from + page) & ~(page - 1);
      continue;
    }
    const auto* const words = reinterpret_cast<const address*>(copy_.data());
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / 8; ++i) {
      // The allocator's own lists refer to chunks, not to what their users have.
      if (!of_libc || !blocks_.is_chunk(words[i])) {
        visit(words[i]);
      }
    }
    drain();
    from += static_cast<std::size_t>(got) & ~std::size_t{7};
  }
}

// ---- marking --------------------------------------------------------------------------------------------------------

// Whether the address, in the stack of one that waits, is what the runtime itself goes by when it switches: where it
// was left, or what is to be done once it has left. Whoever has run after it may have that on its stack, and refers to
// nothing of the fiber's by it.
bool marking::is_of_switch(const known_fiber& k, address a) const noexcept {
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
std::size_t marking::block_of(address a) const noexcept {
  return (granules_[a >> granule_bits] & has_blocks) != 0 ? blocks_.block_at(a) : debug::heap_blocks::none;
}

// True if the block has come to be done by this: it had not been marked.
bool marking::take_up(std::size_t block, std::uint8_t as) noexcept {
  if (marked_[block] != unmarked) {
    return false;
  }
  marked_[block] = as;
  todo_[todo_count_++] = static_cast<std::uint32_t>(block);
  return true;
}

void marking::visit(address word) noexcept {
  const address a = without_tag(word);
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
void marking::visit_all(address begin, address end) noexcept {
  for (begin = (begin + 7) & ~address{7}; begin + 8 <= end; begin += 8) {
    visit(*reinterpret_cast<const address*>(begin));
  }
}

void marking::visit_closure(const fiber& f) noexcept { visit_all(at(f.closure), at(f.closure) + sizeof f.closure); }

void marking::drain() noexcept {
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
void marking::go_on_with(known_fiber& k) noexcept {
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
void marking::mark_fibers_in_the_making() noexcept {
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

void marking::mark_live_fibers() noexcept {
  for (known_fiber& k : fibers_) {
    if (!k.waits) {
      go_on_with(k);
    }
  }
}

bool marking::is_reached(const object& o) const noexcept {
  if (o.block != debug::heap_blocks::none) {
    return marked_[o.block] == reached;
  }
  if (o.stack_of != nobody) {
    return fibers_[o.stack_of].live || fibers_[o.stack_of].stack_reached;
  }
  return o.closure_of == nobody || fibers_[o.closure_of].live || fibers_[o.closure_of].closure_reached;
}

// Until nothing changes.
void marking::mark_through() noexcept {
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

bool marking::waits_on(const known_fiber& k, std::size_t block) const noexcept {
  return std::any_of(objects_.begin() + k.first_object, objects_.begin() + k.first_object + k.objects,
                     [&](const object& o) { return o.block == block; });
}

// Marks what one of the lost can come by, looks who waits on that, and unmarks it again.
void marking::look_for_held(std::uint32_t k) noexcept {
  const std::size_t before = todo_count_;
  std::size_t left = blocks_per_holder;
  const auto look = [&](address begin, address end) {
    for (begin = (begin + 7) & ~address{7}; begin + 8 <= end; begin += 8) {
      const std::size_t b = block_of(without_tag(*reinterpret_cast<const address*>(begin)));
      if (b != debug::heap_blocks::none && left > 0 && take_up(b, held)) {
        --left;
      }
    }
  };
  const known_fiber& its = fibers_[k];
  look(at(its.f->closure), at(its.f->closure) + sizeof its.f->closure);
  look(its.used, its.stack.end);
  std::size_t done = before;
  for (; done < todo_count_; ++done) {
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
  for (std::size_t i = before; i < done; ++i) {
    marked_[todo_[i]] = unmarked;
  }
  todo_count_ = before;
}

void marking::name_holders() noexcept {
  constexpr std::uint32_t most = 256;  // whom people read about
  std::uint32_t seen = 0;
  for (std::uint32_t k = 0; k < fibers_.size() && seen < most; ++k) {
    if (!fibers_[k].live) {
      ++seen;
      look_for_held(k);
    }
  }
}

std::ptrdiff_t marking::find(std::span<lost_fiber> to) noexcept {
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

}  // namespace

std::ptrdiff_t mark(const instant& at, std::span<lost_fiber> to) noexcept {
  marking m(at);
  return m.find(to);
}

}  // namespace gossamer::inline v0::leak
