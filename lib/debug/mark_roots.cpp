// mark_roots: the registers and stacks of threads, and the memory that anybody may use. See marker.hpp.
#include <fcntl.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/libc_version.hpp"
#include "base/read_memory.hpp"
#include "debug/marker.hpp"
#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"
#include "machine/walk.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::leak {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t red_zone = 128;

bool is_libc(const mapping& m) noexcept {
  return m.name.find("/libc.so") != m.name.npos || m.name.find("/libc-2") != m.name.npos;
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

// What is shared with others through a file of a disk nobody expects addresses in.
bool is_shared_memory(const mapping& m) noexcept {
  const auto begins = [&](std::string_view with) { return m.name.substr(0, with.size()) == with; };
  return !m.is_private && (begins("/dev/zero") || begins("/memfd:") || begins("/dev/shm/") || begins("/SYSV") ||
                           begins("/dev/hugepages/") || begins("/anon_hugepage"));
}

}  // namespace

void marker::cut(address begin, address end) noexcept {
  if (begin < end && hole_count_ < holes_.size()) {
    holes_[hole_count_++] = {begin, end};
  }
}

// Of a thread's own stack only what is in use counts: of the first thread's; and of a worker's, whose guard is below
// it. A stack that others have made for a thread may be a part of anything.
void marker::cut_below(address low, bool of_worker) noexcept {
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

// The thread is in a system call of the C library's, whose callers take all vector registers for overwritten.
bool marker::is_in_system_call(const sched::halted& h) const noexcept {
  const void* const pc = machine::interrupted_instruction(h.saved);
  const mapping* const m = debug::mapping_of(mappings_, at(pc));
  return m != nullptr && is_libc(*m) && m->readable && at(pc) >= m->begin + 2 && at(pc) + 2 <= m->end &&
         machine::is_at_system_call(pc);
}

void marker::mark_registers() noexcept {
  for (const sched::halted& h : now_.threads) {
    for (const long long value : machine::interrupted_registers(h.saved)) {
      visit(static_cast<address>(value));
    }
  }
  drain();
}

void marker::know_threads() noexcept {
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

void marker::cut_what_is_no_root() noexcept {
  for (const debug::heap_segment& s : blocks_.segments()) {
    cut(s.whole_begin, s.whole_end);
  }
  records.for_each_slab([&](const void* begin, std::size_t bytes) { cut(at(begin), at(begin) + bytes); });
  machine::for_each_slab([](const void* begin, std::size_t bytes,
                            void* self) { static_cast<marker*>(self)->cut(at(begin), at(begin) + bytes); },
                         this);
  cut(at(room_.begin()), at(room_.begin()) + room_.bytes());
  cut(at(now_.answer.data()), at(now_.answer.data()) + now_.answer.size());
  holes_ = holes_.first(hole_count_);
  std::sort(holes_.begin(), holes_.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
}

// Only one's own is as it was at the instant: into what is shared others go on to write.
bool marker::shares_memory() const noexcept {
  return std::any_of(mappings_.begin(), mappings_.end(), [&](const mapping& m) {
    return is_shared_memory(m) && m.writable && !m.has(at(now_.answer.data()));
  });
}

void marker::mark_roots() noexcept {
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
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
        mark_mapping(m, {from, h->begin}, pagemap);
      }
      from = std::max(from, h->end);
    }
    if (from < m.end) {
      mark_mapping(m, {from, m.end}, pagemap);
    }
  }
  if (pagemap >= 0) {
    ::close(pagemap);
  }
}

// Pages that were written: they are in memory or swapped out, and no file's.
void marker::mark_mapping(const mapping& m, range part, int pagemap) noexcept {
  const bool of_libc = is_libc(m);
  constexpr std::uint64_t present_or_swapped = std::uint64_t{3} << 62;
  constexpr std::uint64_t of_file = std::uint64_t{1} << 61;
  const std::size_t at_once = entries_.size();
  address begin = part.begin;
  while (begin < part.end) {
    const address first = begin / page;
    const std::size_t n = std::min<std::size_t>((part.end + page - 1) / page - first, at_once);
    const bool known = pagemap >= 0 && ::pread(pagemap, entries_.data(), n * 8, static_cast<off_t>(first * 8)) ==
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
void marker::mark_pages(range part, bool of_libc) noexcept {
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

}  // namespace gossamer::inline v0::leak
