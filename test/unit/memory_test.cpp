// What happens where memory, mappings or threads run out; and that memory is given back.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <optional>
#include <string>

#include "base/address_space.hpp"
#include "child.hpp"
#include "fiber/record_pool.hpp"
#include "inside.hpp"
#include "machine/guard.hpp"
#include "machine/stack.hpp"
#include "sched/park.hpp"
#include "tracked.hpp"

using namespace gossamer;
using machine::guard_way;
using support::eventually;

namespace {

// Sanitizers keep shadow memory and quarantines of their own.
#if GOSSAMER_ASAN || GOSSAMER_TSAN
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// A line of /proc/self/status, in KiB.
long status_kib(const char* name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(name, 0) == 0) {
      return std::atol(line.c_str() + std::strlen(name));
    }
  }
  return 0;
}

void limit(decltype(RLIMIT_AS) what, rlim_t to) {
  rlimit r{};
  ::getrlimit(what, &r);
  r.rlim_cur = to;
  ::setrlimit(what, &r);
}

// n fibers at once, of which each uses some stack while it waits for all others.
int crowd(int n) {
  sync::wait_group in, out;
  auto go_on = make_chan<void>();
  std::atomic<int> sum = 0;
  in.add(n);
  out.add(n);
  for (int i = 0; i < n; ++i) {
    go([&, go_on] {
      sum += support::use_stack(8192) > 0 ? 1 : 0;
      in.done();
      go_on.recv();
      sum += support::use_stack(8192) > 0 ? 1 : 0;
      out.done();
    });
  }
  in.wait();
  close(go_on);
  out.wait();
  return sum;
}

[[gnu::noinline]] void overwrite_canary() {
  fiber& self = *sched::current();
  std::memset(machine::stack_bottom(self.stack, self.size_class) - 16, 1, 16);
}

}  // namespace

CHILD_PROGRAM("guards by mprotect") {
  machine::start_with(guard_way::protect, 30'000);
  return run([] { return crowd(1000) == 2000 ? 0 : 1; });
}
CHILD_PROGRAM("overflows into a guard of mprotect") {
  machine::start_with(guard_way::protect, 30'000);
  return run([] {
    go([] { support::use_stack(std::size_t{64} << 20); });
    select();
  });
}
PLAIN_TEST("guards by mprotect hold, and nothing is said about them") {
  const support::child_result r = support::run_child("guards by mprotect");
  CHECK(r.exited_with(0));
  CHECK(r.err.empty());
  if (!sanitized) {
    const support::child_result overflow = support::run_child("overflows into a guard of mprotect");
    CHECK(overflow.exited_with(2));
    CHECK(support::contains(overflow.err, "fatal error: stack overflow"));
  }
}

CHILD_PROGRAM("runs out of mappings") {
  machine::start_with(guard_way::protect, 100);
  return run([] { return crowd(1000) == 2000 && crowd(1000) == 2000 ? 0 : 1; });
}
PLAIN_TEST("without mappings guards become canaries, and that is said once") {
  const support::child_result r = support::run_child("runs out of mappings");
  CHECK(r.exited_with(0));
  CHECK(support::count_of(r.err, "guarded by canaries only") == 1);
}

CHILD_PROGRAM("overwrites its canary") {
  machine::start_with(guard_way::canary, 0);
  return run([] {
    go(overwrite_canary);
    select();
  });
}
PLAIN_TEST("FR8: a canary that was written over is reported when its fiber ends, with limit and spawn site") {
  if (!sanitized) {  // they find the write itself
    const support::child_result r = support::run_child("overwrites its canary");
    CHECK(r.exited_with(2));
    CHECK(support::contains(r.err, "-byte limit\nfatal error: stack overflow"));
    CHECK(support::contains(r.err, "created by "));
    CHECK(support::contains(r.err, " in fiber "));
  }
}

CHILD_PROGRAM("locks all its memory") {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    return 77;
  }
  return run([] { return crowd(300) == 600 ? 0 : 1; }, {.procs = 2});
}
PLAIN_TEST("fibers run under mlockall(MCL_FUTURE)") {
  if (!sanitized) {  // they map terabytes
    const support::child_result r = support::run_child("locks all its memory");
    if (r.exited_with(77)) {
      MESSAGE("skipped: RLIMIT_MEMLOCK forbids mlockall");
    } else {
      CHECK(r.exited_with(0));
    }
  }
}

// ---- out of stacks --------------------------------------------------------------------------------------------------

CHILD_PROGRAM("has stacks for one slab") {
  machine::slabs_left = 1 + 1;  // main's and one for the others
  return run(
      [] {
        // More fibers than stacks, half of them wait for others that have none yet.
        std::atomic<int> ran = 0;
        sync::wait_group wg;
        for (int i = 0; i < 3000; ++i) {
          wg.go([&] {
            runtime::gosched();
            if (ran % 16 == 0) {
              time::sleep(100us);
            }
            ++ran;
          });
        }
        wg.wait();
        return ran == 3000 ? 0 : 1;
      },
      {.procs = 4, .stack_bytes = std::size_t{1} << 20});
}
PLAIN_TEST("fibers for which there is no stack run when others have ended") {
  const support::child_result r = support::run_child("has stacks for one slab");
  CHECK(r.exited_with(0));
  CHECK(r.err.empty());
}

// Parks fibers, which wait for one that comes last, until no more get a stack.
static int fill_up() {
  auto last = make_chan<int>();
  for (int i = 0; i < 100'000; ++i) {
    go([last] { last.recv(); });
    runtime::gosched();
  }
  go([last] { close(last); });
  last.recv();
  return 0;
}
CHILD_PROGRAM("all that have a stack wait for one that has none") {
  machine::slabs_left = 2;
  return run(fill_up, {.procs = 2});
}
// Whether a mapping of some bytes makes what is left of the limit less by as many.
static bool counts(int protection) {
  constexpr std::size_t some = std::size_t{64} << 20;
  const std::optional<std::size_t> before = base::address_space_left();
  void* const p = ::mmap(nullptr, some, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const std::optional<std::size_t> after = base::address_space_left();
  return p != MAP_FAILED && before && after && *before - *after == some;
}
CHILD_PROGRAM("knows what is left of its limit") {
  const bool unknown = base::low_address_limit() == 0 && !base::address_space_left();
  limit(RLIMIT_DATA, rlim_t{1} << 30);
  const bool data = counts(PROT_READ | PROT_WRITE) && !counts(PROT_NONE);
  limit(RLIMIT_AS, static_cast<rlim_t>(status_kib("VmSize:") + (1 << 19)) << 10);
  const bool space = counts(PROT_NONE);
  std::printf("%d %d %d\n", unknown, data, space);
  return 0;
}
PLAIN_TEST("what is left of a low limit is known without reserving it") {
  if (!sanitized && base::low_address_limit() == 0) {
    const support::child_result r = support::run_child("knows what is left of its limit");
    CHECK(r.exited_with(0));
    CHECK(r.out == "1 1 1\n");
  }
}
CHILD_PROGRAM("out of address space") {
  limit(RLIMIT_AS, static_cast<rlim_t>(status_kib("VmSize:") + (1 << 20)) << 10);
  return run(fill_up, {.procs = 2});
}
CHILD_PROGRAM("out of a limit that leaves room for arenas") {
  limit(RLIMIT_AS, rlim_t{5} << 29);
  return run(fill_up, {.procs = 2, .stack_bytes = std::size_t{32} << 20});
}
CHILD_PROGRAM("out of writable memory") {
  limit(RLIMIT_DATA, rlim_t{1} << 30);
  return run(fill_up, {.procs = 2});
}
PLAIN_TEST("where nothing else can run: out of stacks, with how many there are") {
  const support::child_result r = support::run_child("all that have a stack wait for one that has none");
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "fatal error: out of stacks ("));
  CHECK(support::contains(r.err, " live, "));
  if (!sanitized) {
    const support::child_result space = support::run_child("out of address space");
    CHECK(space.exited_with(2));
    CHECK(support::contains(space.err, "fatal error: out of stacks ("));
    CHECK(support::contains(space.err, "KiB of address space)"));
    const support::child_result wide = support::run_child("out of a limit that leaves room for arenas");
    CHECK(wide.exited_with(2));
    CHECK(support::contains(wide.err, "fatal error: out of stacks ("));
    const support::child_result data = support::run_child("out of writable memory");
    CHECK(data.exited_with(2));
    CHECK(support::contains(data.err, "fatal error: out of stacks ("));
  }
}

// ---- out of records -------------------------------------------------------------------------------------------------

struct closures;
CHILD_PROGRAM("go without memory") {
  using census = support::census<closures>;
  return run(
      [] {
        std::atomic<int> ran = 0;
        auto parked = make_chan<int>();
        auto answer = make_chan<int>();
        go([parked, answer] { answer << *parked + 1; });
        runtime::gosched();
        rlimit before{};
        ::getrlimit(RLIMIT_AS, &before);
        limit(RLIMIT_AS, static_cast<rlim_t>(status_kib("VmSize:") + 8192) << 10);
        int spawned = 0;
        int refused = 0;
        while (refused < 10) {
          try {
            go([alive = support::life<closures>(), &ran] { ++ran; });
            ++spawned;
          } catch (const std::bad_alloc&) {
            ++refused;
          }
        }
        // Where main has no CPU for 10 ms, another worker begins to run them.
        const bool counts = census::alive <= spawned && runtime::num_fibers() <= spawned + 2 && spawned > 1000;
        parked << 1;  // what runs goes on
        const bool goes_on = *answer == 2;
        const bool all = eventually([&] { return ran == spawned && runtime::num_fibers() == 1; });
        limit(RLIMIT_AS, before.rlim_cur);
        sync::wait_group wg;
        wg.go([] {});
        wg.wait();
        return counts && goes_on && all && census::alive == 0 ? 0 : 1;
      },
      {.procs = 1});
}
PLAIN_TEST("go throws bad_alloc where there is no memory for a record, and nothing is lost") {
  if (!sanitized) {
    CHECK(support::run_child("go without memory").exited_with(0));
  }
}

// ---- giving back ----------------------------------------------------------------------------------------------------

namespace {

int count_workers() {
  int n = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    n += std::getline(file, name) && support::starts_with(name, "goss/w") ? 1 : 0;
  }
  return n;
}

}  // namespace

// 300,000 fibers and not a million: that is 1.4 GiB, which is what a machine that does other things can spare. Two
// workers: each keeps up to 128 stacks, of which each may hold a slab. So does each that has stood in for one of them,
// as happens where their threads have no CPU for 10 ms: then a fifth may stay.
CHILD_PROGRAM("gives its memory back") {
  return run(
      [] {
        const auto used = [] { return status_kib("VmRSS:") + status_kib("VmPTE:"); };
        long peak = 0;
        {
          sync::wait_group in, out;
          auto go_on = make_chan<void>();
          constexpr int n = 300'000;
          in.add(n);
          out.add(n);
          for (int i = 0; i < n; ++i) {
            go([&, go_on] {
              in.done();
              go_on.recv();
              out.done();
            });
          }
          in.wait();
          peak = used();
          close(go_on);
          out.wait();
        }
        const auto is_given_back = [&] { return used() * (count_workers() > 2 ? 5 : 10) <= peak; };
        const auto begin = std::chrono::steady_clock::now();
        while (!is_given_back() && std::chrono::steady_clock::now() - begin < 30s) {
          time::sleep(50ms);
        }
        const auto took = std::chrono::steady_clock::now() - begin;
        std::printf("%ld KiB of %ld KiB after %ld ms, %d workers\n", used(), peak, static_cast<long>(took / 1ms),
                    count_workers());
        return is_given_back() ? 0 : 1;
      },
      {.procs = 2});
}
PLAIN_TEST("after 300,000 parked fibers have ended their memory is given back but for a tenth") {
#ifdef NDEBUG
  if (!sanitized) {
    const support::child_result r = support::run_child("gives its memory back");
    INFO(r.out);
    CHECK(r.exited_with(0));
  }
#endif
}
