// Stacks: their sizes, their guards, their coming back, and the giving back of their memory.
#include "machine/stack.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using machine::reserve;
using machine::stack_pool;

namespace {

// Whether the byte can be read, found out by the kernel: nothing faults. It also maps the page.
bool readable(const std::byte* at) {
  std::byte here{};
  const iovec to{&here, 1};
  const iovec from{const_cast<std::byte*>(at), 1};
  return ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == 1;
}

bool guarded(reserve r, unsigned size_class) {
  const std::size_t guard = machine::guard_bytes(size_class);
  return !readable(r) && !readable(r + guard / 2) && !readable(r + guard - 1);
}

bool usable(reserve r, unsigned size_class) {
  std::byte* const bottom = machine::stack_bottom(r, size_class);
  std::byte* const top = machine::stack_top(r, size_class);
  *bottom = *(top - 1) = std::byte{42};
  return readable(bottom) && readable(top - 1);
}

std::size_t mapped_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t count_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t n = 0;
  for (std::string line; std::getline(maps, line);) {
    ++n;
  }
  return n;
}

bool kernel_has_guards() {
  void* p = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool has = ::madvise(p, 4096, 102 /* MADV_GUARD_INSTALL */) == 0;
  ::munmap(p, 4096);
  return has;
}

bool kernel_populates_many() {
  const std::size_t page = 4096;
  void* p = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const std::array<iovec, 2> pages{{{p, page}, {static_cast<char*>(p) + page, page}}};
  const long done = ::syscall(SYS_process_madvise, -10000 /* PIDFD_SELF_THREAD */, pages.data(), pages.size(),
                              23 /* MADV_POPULATE_WRITE */, 0);
  ::munmap(p, 2 * page);
  return done == static_cast<long>(2 * page);
}

// The memory of the pools of these tests stays until the process ends; each has one of its own.
template <int N>
stack_pool& pool() {
  static constinit stack_pool p;
  return p;
}

constexpr std::size_t slab_bytes = std::size_t{64} << 20;

}  // namespace

TEST_CASE("a size class is the next power of two, and a stack its reserve less the guard") {
  CHECK(machine::class_of(1) == 0);
  CHECK(machine::class_of(16384) == 0);
  CHECK(machine::class_of(16385) == 1);
  CHECK(machine::class_of(std::size_t{1} << 30) == machine::stack_classes - 1);
  for (unsigned c = 0; c < machine::stack_classes; ++c) {
    CHECK(machine::class_of(machine::class_bytes(c)) == c);
    CHECK(machine::stack_bytes(c) + machine::guard_bytes(c) == machine::class_bytes(c));
    CHECK(machine::guard_bytes(c) % 4096 == 0);
    CHECK(machine::guard_bytes(c) >= 4096);
    CHECK(machine::guard_bytes(c) <= machine::class_bytes(c) / 4);
  }
}

PLAIN_TEST("a stack of any class is aligned, usable to both ends, and guarded below") {
  static constinit std::array<stack_pool, machine::stack_classes> pools{};
  for (unsigned c = 0; c < machine::stack_classes; ++c) {
    std::array<reserve, 3> stacks{};
    const std::size_t n = pools[c].take(c, std::span(stacks).first(c < 14 ? 3 : 1));
    CHECK(n == (c < 14 ? 3 : 1));
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(reinterpret_cast<std::uintptr_t>(stacks[i]) % machine::class_bytes(c) == 0);
      CHECK(usable(stacks[i], c));
      CHECK(guarded(stacks[i], c));
    }
    pools[c].give(c, std::span(stacks).first(n));
    for (std::size_t i = 0; i < n; ++i) {
      ::madvise(stacks[i], machine::class_bytes(c), MADV_DONTNEED);
    }
    std::array<reserve, 3> again{};
    CHECK(pools[c].take(c, std::span(again).first(n)) == n);
    CHECK(std::set<reserve>(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(n)) ==
          std::set<reserve>(stacks.begin(), stacks.begin() + static_cast<std::ptrdiff_t>(n)));
    CHECK(guarded(again[0], c));
  }
}

PLAIN_TEST("stacks that come back are used again before new memory is") {
  constexpr unsigned c = 2;
  std::vector<reserve> stacks(500);
  CHECK(pool<2>().take(c, stacks) == stacks.size());
  const std::set<reserve> first(stacks.begin(), stacks.end());
  CHECK(first.size() == stacks.size());
  base::rng r(3);
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = stacks.size(); i > 1; --i) {
      std::swap(stacks[i - 1], stacks[r.below(static_cast<std::uint32_t>(i))]);
    }
    const std::size_t n = r.below(static_cast<std::uint32_t>(stacks.size())) + 1;
    pool<2>().give(c, std::span(stacks).first(n));
    CHECK(pool<2>().take(c, std::span(stacks).first(n)) == n);
    CHECK(std::set<reserve>(stacks.begin(), stacks.end()) == first);
  }
  CHECK(std::all_of(stacks.begin(), stacks.end(), [](reserve s) { return guarded(s, c) && usable(s, c); }));
}

PLAIN_TEST("slabs that have been wholly free since the last trim are unmapped, but for one; others stay") {
  constexpr unsigned c = 4;  // 256 KiB: 255 to a slab
  constexpr std::size_t per_slab = slab_bytes / machine::class_bytes(c) - 1;
  std::vector<reserve> stacks(8 * per_slab);
  const std::size_t before = mapped_bytes();
  CHECK(pool<3>().take(c, stacks) == stacks.size());
  CHECK(mapped_bytes() - before >= 8 * slab_bytes);
  CHECK(mapped_bytes() - before < 9 * slab_bytes);
  pool<3>().give(c, std::span(stacks).subspan(1));
  CHECK(mapped_bytes() - before >= 8 * slab_bytes);
  pool<3>().trim();
  CHECK(mapped_bytes() - before >= 8 * slab_bytes);  // seen for the first time
  pool<3>().trim();
  CHECK(mapped_bytes() - before < 3 * slab_bytes);
  CHECK(usable(stacks[0], c));  // its slab is not wholly free
  CHECK(guarded(stacks[0], c));
  pool<3>().give(c, std::span(stacks).first(1));
  pool<3>().trim();
  pool<3>().trim();
  CHECK(mapped_bytes() - before < 2 * slab_bytes);
  // And it goes on.
  CHECK(pool<3>().take(c, stacks) == stacks.size());
  CHECK(usable(stacks.back(), c));
  pool<3>().give(c, stacks);
  pool<3>().trim();
  pool<3>().trim();
  CHECK(mapped_bytes() - before < 2 * slab_bytes);
}

PLAIN_TEST("the guards of many stacks split no mapping, where the kernel can do that") {
  if (!kernel_has_guards()) {
    MESSAGE("this kernel has no MADV_GUARD_INSTALL");
    return;
  }
  const std::size_t before = count_mappings();
  std::vector<reserve> stacks(20'000);
  CHECK(pool<4>().take(1, stacks) == stacks.size());
  CHECK(count_mappings() < before + 50);
  CHECK(guarded(stacks.back(), 1));
  pool<4>().give(1, stacks);
  pool<4>().trim();
}

PLAIN_TEST("the first pages of fresh stacks come with their batch once there are many, and not before") {
  constexpr unsigned c = 3;
  constexpr std::size_t batch = 32;
  constexpr std::size_t count = 480;  // of the 511 in a slab
  const auto resident = [](reserve r) {
    unsigned char in_core = 0;
    CHECK(::mincore(machine::stack_top(r, c) - 4096, 4096, &in_core) == 0);
    return (in_core & 1) != 0;
  };
  std::vector<reserve> stacks;
  const bool in_one_call = kernel_populates_many();
  for (std::size_t n = 0; n < count; n += batch) {
    std::array<reserve, batch> out{};
    CHECK(pool<7>().take(c, out) == batch);
    const auto with_memory = static_cast<std::size_t>(std::count_if(out.begin(), out.end(), resident));
    // Of those that cannot have it together one has been tried.
    CHECK((n < 128 ? with_memory == 0 : in_one_call ? with_memory == batch : with_memory <= 1));
    stacks.insert(stacks.end(), out.begin(), out.end());
  }
  CHECK(std::all_of(stacks.begin(), stacks.end(), [](reserve s) { return guarded(s, c) && usable(s, c); }));
  pool<7>().give(c, stacks);
}

PLAIN_TEST("a stack has one holder at a time") {
  constexpr unsigned c = 0;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 1; t <= 4; ++t) {
    threads.emplace_back([&wrong, t] {
      base::rng r(static_cast<std::uint64_t>(t));
      std::array<reserve, 64> stacks{};
      for (int i = 0; i < support::scale(2000); ++i) {
        const auto mine = std::span(stacks).first(r.below(64) + 1);
        if (pool<5>().take(c, mine) != mine.size()) {
          ++wrong;
          return;
        }
        for (reserve s : mine) {
          *reinterpret_cast<int*>(machine::stack_bottom(s, c)) = t;
        }
        std::this_thread::yield();
        for (reserve s : mine) {
          wrong += *reinterpret_cast<int*>(machine::stack_bottom(s, c)) == t ? 0 : 1;
        }
        pool<5>().give(c, mine);
        if (i % 256 == 0) {
          pool<5>().trim();
        }
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(wrong == 0);
}

CHILD_PROGRAM("writes below its stack") {
  reserve r{};
  pool<6>().take(4, std::span(&r, 1));
  *(machine::stack_bottom(r, 4) - 1) = std::byte{1};
  return 0;
}

namespace {

// Stack use that no compiler folds.
[[gnu::noinline]] int dive(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : dive(depth - 1) + frame[0];
}

}  // namespace

CHILD_PROGRAM("a fiber uses more stack than it has") {
  return run([] {
    sync::wait_group done;
    done.add();
    go(fiber_options{.stack_bytes = 65536}, [&done] {
      dive(100'000);
      done.done();
    });
    done.wait();
    return 0;
  });
}

PLAIN_TEST("a write below a stack is a fault, not damage") {
  for (const char* program : {"writes below its stack", "a fiber uses more stack than it has"}) {
    const support::child_result r = support::run_child(program);
    CHECK_FALSE(r.timed_out);
    CHECK_FALSE(r.exited_with(0));
  }
}

// Locked memory refuses MADV_GUARD_INSTALL: the way to the fallbacks on a kernel that has it.
constexpr int cannot_lock = 77;

CHILD_PROGRAM("guards in locked memory") {
  if (::mlockall(MCL_FUTURE | MCL_ONFAULT) != 0) {
    return cannot_lock;
  }
  std::array<reserve, 40> stacks{};
  if (pool<6>().take(0, stacks) != stacks.size()) {
    return cannot_lock;
  }
  return std::all_of(stacks.begin(), stacks.end(), [](reserve s) { return guarded(s, 0) && usable(s, 0); }) ? 0 : 1;
}

PLAIN_TEST("where guards cannot be installed they are protected pages") {
  const support::child_result r = support::run_child("guards in locked memory");
  if (r.exited_with(cannot_lock)) {
    MESSAGE("no memory can be locked here: not tested");
    return;
  }
  CHECK(r.exited_with(0));
}

#if !GOSSAMER_ASAN && !GOSSAMER_TSAN  // they need mappings of their own

CHILD_PROGRAM("more guards than mappings, and an overflow") {
  if (::mlockall(MCL_FUTURE | MCL_ONFAULT) != 0) {
    return cannot_lock;
  }
  std::vector<reserve> stacks(32'000);
  if (pool<6>().take(0, stacks) != stacks.size()) {
    return cannot_lock;
  }
  const auto has_guard = [](reserve s) { return guarded(s, 0); };
  const auto real = std::count_if(stacks.begin(), stacks.end(), has_guard);
  if (real == 0 || real == std::ptrdiff_t{32'000}) {
    return 1;
  }
  const reserve last = *std::find_if_not(stacks.begin(), stacks.end(), has_guard);
  pool<6>().give(0, std::span(&last, 1));  // untouched: nothing happens
  reserve again{};
  pool<6>().take(0, std::span(&again, 1));
  if (again != last) {
    return 1;
  }
  std::fprintf(stderr, "now\n");
  *(machine::stack_bottom(last, 0) - 1) = std::byte{1};
  pool<6>().give(0, std::span(&last, 1));
  return 0;
}

PLAIN_TEST("where mappings run out a canary tells that a stack has overflowed") {
  const support::child_result r = support::run_child("more guards than mappings, and an overflow");
  if (r.exited_with(cannot_lock)) {
    MESSAGE("no memory can be locked here: not tested");
    return;
  }
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "further stacks are guarded by canaries only"));
  CHECK(support::contains(r.err, "now\nfatal error: stack overflow"));
}

#endif
