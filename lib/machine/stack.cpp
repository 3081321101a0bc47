// stack: see stack.hpp.
#include "machine/stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "base/address_space.hpp"
#include "machine/advise.hpp"
#include "machine/guard.hpp"
#include "machine/memory_name.hpp"
#include "machine/sanitizer.hpp"

namespace gossamer::inline v0::machine {

constinit std::array<stack_pool, stack_classes> stack_pools{};
constinit std::atomic<int> slabs_left{-1};
constinit std::atomic<std::size_t> mapped_stack_bytes{0};

namespace {

// 64 MiB, or two reserves (header and stack) where they are larger.
constexpr std::size_t slab_bytes(unsigned size_class) noexcept {
  return std::max(std::size_t{64} << 20, 2 * class_bytes(size_class));
}
constexpr std::size_t slots(unsigned size_class) noexcept { return slab_bytes(size_class) / class_bytes(size_class); }

}  // namespace

// Lies at the start of its slab. Slots are numbered from 1; slot 0 is the header's.
struct slab {
  slab* next;
  slab* previous;
  slab* older;             // in the list of all slabs
  std::size_t bytes;       // slab_bytes(), or less where that was refused
  std::uint32_t slots;     // with the header's
  std::uint32_t fresh;     // slots from this one on have never been used and have no guard yet
  std::uint32_t recycled;  // how many entries of free_slots are in use
  bool lay_idle;           // it was wholly free at the last trim, and no stack of it has been taken since

  // `recycled` entries, right behind this header.
  std::uint16_t* free_slots() noexcept { return reinterpret_cast<std::uint16_t*>(this + 1); }
  bool available() const noexcept { return recycled > 0 || fresh < slots; }
  bool wholly_free() const noexcept { return recycled == fresh - 1; }
  void check_invariants() const noexcept { assert(fresh >= 1 && fresh <= slots && recycled < fresh); }
};

namespace {

static_assert(sizeof(slab) + slots(0) * sizeof(std::uint16_t) <= class_bytes(0), "the header fits its slot");

slab* slab_of(reserve r, unsigned size_class) noexcept {
  return reinterpret_cast<slab*>(reinterpret_cast<std::uintptr_t>(r) & ~(slab_bytes(size_class) - 1));
}

reserve slot(slab* s, unsigned size_class, std::size_t n) noexcept {
  assert(n > 0 && n < s->slots);
  return reinterpret_cast<std::byte*>(s) + n * class_bytes(size_class);
}

// relaxed: only a count.
bool may_map_slab() noexcept {
  int left = slabs_left.load(std::memory_order_relaxed);
  while (left > 0 && !slabs_left.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
  }
  return left != 0;
}

void* map_at(std::uintptr_t address, std::size_t bytes, int how) noexcept {
  void* const p = ::mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | how, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Maps twice the size and cuts an aligned slab out of it.
void* map_aligned(std::size_t bytes) noexcept {
  void* const p = map_at(0, 2 * bytes, 0);
  if (p == nullptr) {
    return nullptr;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(p);
  const std::uintptr_t aligned = (begin + bytes - 1) & ~(bytes - 1);
  if (aligned != begin) {
    ::munmap(p, aligned - begin);
  }
  if (aligned - begin != bytes) {
    ::munmap(reinterpret_cast<void*>(aligned + bytes), bytes - (aligned - begin));
  }
  return reinterpret_cast<void*>(aligned);
}

// Where map_at_multiple() has found room last. relaxed: a hint.
std::atomic<std::uintptr_t> last_multiple{0};

// Maps no more than `bytes`, at a multiple of `alignment`: tries one after the other below what the kernel gives.
void* map_at_multiple(std::size_t bytes, std::uintptr_t alignment) noexcept {
  std::uintptr_t at = last_multiple.load(std::memory_order_relaxed);
  if (at == 0) {
    void* const anywhere = map_at(0, bytes, 0);
    if (anywhere == nullptr) {
      return nullptr;
    }
    ::munmap(anywhere, bytes);
    at = reinterpret_cast<std::uintptr_t>(anywhere);
  }
  at &= ~(alignment - 1);
  for (int tries = 0; tries < 256 && at >= alignment; ++tries, at -= alignment) {
    void* const p = map_at(at, bytes, MAP_FIXED_NOREPLACE);
    if (reinterpret_cast<std::uintptr_t>(p) == at) {
      last_multiple.store(at, std::memory_order_relaxed);
      return p;
    }
    if (p != nullptr) {
      ::munmap(p, bytes);  // a kernel before 4.17, which takes the address for a wish
    } else if (errno != EEXIST) {
      return nullptr;
    }
  }
  last_multiple.store(0, std::memory_order_relaxed);
  return nullptr;
}

// Whether so much is still to be had, found out by having it for a moment.
bool leaves(std::size_t spare) noexcept {
  void* const probe = map_at(0, spare, 0);
  return probe != nullptr && ::munmap(probe, spare) == 0;
}

// From finding out what is left to taking some. No spin lock: these are system calls.
constinit std::mutex limit_guard;

// The largest slab that is to be had: of `bytes`, which it sets, or less. It leaves enough for others: where that is
// known beforehand nothing is tried that would not, as for a moment they would find nothing.
void* map_what_there_is(unsigned size_class, std::size_t& bytes) noexcept {
  const std::size_t least = 2 * class_bytes(size_class);
  const std::size_t spare = base::spare_address_space();
  const std::scoped_lock hold(limit_guard);
  const std::optional<std::size_t> left = base::address_space_left();
  for (;;) {
    if (!left || *left >= bytes + spare) {
      void* const p = map_at_multiple(bytes, slab_bytes(size_class));
      if (p != nullptr && (left || leaves(spare))) {
        return p;
      }
      if (p != nullptr) {
        ::munmap(p, bytes);
      }
    }
    if (bytes == least) {
      return nullptr;
    }
    bytes = std::max((bytes / 2) & ~(class_bytes(size_class) - 1), least);
  }
}

// All slabs, of all classes. Who looks at them without the guard (see for_each_slab()) sees each that is whole.
constinit detail::spin_lock list_guard;
constinit std::atomic<slab*> newest_slab{nullptr};

void enter_list(slab* s) noexcept {
  const std::scoped_lock hold(list_guard);
  s->older = newest_slab.load(std::memory_order_relaxed);
  newest_slab.store(s, std::memory_order_release);  // release: pairs with the acquire in for_each_slab()
}

void leave_list(slab* s) noexcept {
  const std::scoped_lock hold(list_guard);
  if (newest_slab.load(std::memory_order_relaxed) == s) {
    newest_slab.store(s->older, std::memory_order_release);
    return;
  }
  slab* newer = newest_slab.load(std::memory_order_relaxed);
  while (newer->older != s) {
    newer = newer->older;
  }
  newer->older = s->older;
}

slab* map_slab(unsigned size_class) noexcept {
  if (!may_map_slab()) {
    return nullptr;
  }
  const std::size_t whole = slab_bytes(size_class);
  std::size_t bytes =
      base::share_of_address_space(whole, 32, 2 * class_bytes(size_class)) & ~(class_bytes(size_class) - 1);
  void* memory = base::low_address_limit() == 0 ? map_aligned(bytes) : nullptr;
  if (memory == nullptr && (memory = map_what_there_is(size_class, bytes)) == nullptr) {
    return nullptr;
  }
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);  // one touched page must stay one page
  name_memory(memory, bytes, "gossamer stacks");
  mapped_stack_bytes.fetch_add(bytes, std::memory_order_relaxed);
  slab* s = ::new (memory) slab;
  s->next = s->previous = nullptr;
  s->bytes = bytes;
  s->slots = static_cast<std::uint32_t>(bytes / class_bytes(size_class));
  s->fresh = 1;
  s->recycled = 0;
  s->lay_idle = false;
  enter_list(s);
  return s;
}

void guard_and_announce(unsigned size_class, std::span<const reserve> stacks) noexcept {
  install_guards(stacks, guard_bytes(size_class));
  for (reserve r : stacks) {
    announce_stack(stack_bottom(r, size_class), stack_bytes(size_class));
  }
}

// Brings the page into memory that each of these stacks begins with. Nothing is lost where the kernel does not: the
// first use does it then.
void populate_tops(unsigned size_class, std::span<const reserve> stacks) noexcept {
  constexpr int madv_populate_write = 23;  // Linux 5.14
  static const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  static std::atomic<bool> works{true};  // relaxed: a hint
  std::array<std::byte*, 64> tops;
  while (stacks.size() > 1 && works.load(std::memory_order_relaxed)) {
    const std::size_t n = std::min(stacks.size(), tops.size());
    for (std::size_t i = 0; i < n; ++i) {
      tops[i] = stack_top(stacks[i], size_class) - page;
    }
    const std::size_t done = advise_each(std::span(tops).first(n), page, madv_populate_write);
    // One by one they would cost no less than the faults.
    if (!advises_many_at_once() || (done == 0 && errno == EINVAL)) {
      works.store(false, std::memory_order_relaxed);
    }
    if (done == 0) {
      return;  // no memory at present: the fault will say so, where it comes to that
    }
    stacks = stacks.subspan(done);
  }
}

}  // namespace

// Under guard_.
void stack_pool::count_free(int change) noexcept {
  // relaxed: see free_slabs_.
  free_slabs_.store(free_slabs_.load(std::memory_order_relaxed) + static_cast<std::size_t>(change),
                    std::memory_order_relaxed);
}

void stack_pool::link(slab* s) noexcept {
  s->check_invariants();
  s->previous = nullptr;
  s->next = available_;
  if (available_ != nullptr) {
    available_->previous = s;
  }
  available_ = s;
}

void stack_pool::unlink(slab* s) noexcept {
  assert((s->previous != nullptr ? s->previous->next : available_) == s);
  assert(s->next == nullptr || s->next->previous == s);
  (s->previous != nullptr ? s->previous->next : available_) = s->next;
  if (s->next != nullptr) {
    s->next->previous = s->previous;
  }
}

// Puts recycled stacks at the front of `out` and fresh ones, which have no guard yet, at its back. Under guard_.
stack_pool::taken stack_pool::take_from_slabs(unsigned size_class, std::span<reserve> out) noexcept {
  taken n;
  while (n.recycled + n.fresh < out.size() && available_ != nullptr) {
    slab* s = available_;
    count_free(s->wholly_free() ? -1 : 0);
    s->lay_idle = false;
    while (n.recycled + n.fresh < out.size() && s->recycled > 0) {
      out[n.recycled++] = slot(s, size_class, s->free_slots()[--s->recycled]);
    }
    while (n.recycled + n.fresh < out.size() && s->fresh < s->slots) {
      out[out.size() - ++n.fresh] = slot(s, size_class, s->fresh++);
    }
    s->check_invariants();
    if (!s->available()) {
      unlink(s);
    }
  }
  n.of_many = fresh_taken_ >= populate_from;
  fresh_taken_ += n.fresh;
  return n;
}

std::size_t stack_pool::take(unsigned size_class, std::span<reserve> out) noexcept {
  std::size_t n = 0;
  for (;;) {
    const std::span<reserve> wanted = out.subspan(n);
    taken got;
    {
      const std::scoped_lock hold(guard_);
      got = take_from_slabs(size_class, wanted);
    }
    const auto fresh = wanted.last(got.fresh);
    guard_and_announce(size_class, fresh);  // without the lock: these are system calls
    if (got.of_many) {
      populate_tops(size_class, fresh);
    }
    for (std::size_t i = 0; i < got.fresh; ++i) {
      wanted[got.recycled + i] = fresh[i];
    }
    n += got.recycled + got.fresh;
    if (n == out.size()) {
      return n;
    }
    slab* s = map_slab(size_class);
    if (s == nullptr) {
      return n;
    }
    const std::scoped_lock hold(guard_);
    link(s);
    count_free(1);
  }
}

void stack_pool::give(unsigned size_class, std::span<const reserve> stacks) noexcept {
  for (reserve r : stacks) {
    check_guard(r, guard_bytes(size_class));
  }
  const std::scoped_lock hold(guard_);
  for (reserve r : stacks) {
    slab* s = slab_of(r, size_class);
    if (!s->available()) {
      link(s);
    }
    const auto offset = static_cast<std::size_t>(r - reinterpret_cast<std::byte*>(s));
    assert(offset % class_bytes(size_class) == 0 && offset / class_bytes(size_class) < s->fresh);
    assert(s->recycled + 1 < s->fresh);  // the slot was in use
    s->free_slots()[s->recycled++] = static_cast<std::uint16_t>(offset / class_bytes(size_class));
    s->check_invariants();
    count_free(s->wholly_free() ? 1 : 0);
  }
}

void stack_pool::trim() noexcept {
  if (free_slabs_.load(std::memory_order_relaxed) <= 1) {  // relaxed: a hint
    return;
  }
  slab* unmapped = nullptr;
  {
    const std::scoped_lock hold(guard_);
    slab* next = nullptr;
    for (slab* s = available_; s != nullptr && free_slabs_.load(std::memory_order_relaxed) > 1; s = next) {
      next = s->next;
      if (s->wholly_free() && !std::exchange(s->lay_idle, true)) {
        continue;
      }
      if (s->wholly_free()) {
        unlink(s);
        count_free(-1);
        s->next = unmapped;
        unmapped = s;
      }
    }
  }
  while (unmapped != nullptr) {
    slab* s = unmapped;
    unmapped = s->next;
    leave_list(s);
    mapped_stack_bytes.fetch_sub(s->bytes, std::memory_order_relaxed);
    ::munmap(s, s->bytes);
  }
}

void for_each_slab(void (*visit)(const void* begin, std::size_t bytes, void* argument), void* argument) noexcept {
  for (const slab* s = newest_slab.load(std::memory_order_acquire); s != nullptr; s = s->older) {
    visit(s, s->bytes, argument);
  }
}

void trim_stacks() noexcept {
  for (stack_pool& pool : stack_pools) {
    pool.trim();
  }
}

}  // namespace gossamer::inline v0::machine
