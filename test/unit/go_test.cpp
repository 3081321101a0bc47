// go() and run(): how fibers start and programs end (docs/go-semantics.md, GO1, GO2, GO7, GO13).
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::census;
using support::child_result;
using support::contains;
using support::count_of;
using support::eventually;
using support::life;
using support::panic_of;
using support::run_child;
using support::scale;
using support::starts_with;
using support::use_stack;

namespace {

void set(std::atomic<int>& to, int n) { to = n; }

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

FIBER_TEST("go runs its function in another fiber, later") {
  std::atomic<int> ran = 0;
  go([&] { ran = 1; });
  CHECK(eventually([&] { return ran == 1; }));
  go(set, std::ref(ran), 2);
  CHECK(eventually([&] { return ran == 2; }));
}

FIBER_TEST("every fiber that is started runs exactly once") {
  const int count = scale(20'000);
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
  sync::wait_group all;
  all.add(count);
  for (int i = 0; i < count; ++i) {
    go([&, i] {
      ++runs[static_cast<std::size_t>(i)];
      all.done();
    });
  }
  all.wait();
  int wrong = 0;
  for (const auto& n : runs) {
    wrong += n != 1;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("fibers start fibers start fibers") {
  std::atomic<int> leaves = 0;
  struct tree {
    std::atomic<int>& leaves;
    sync::wait_group all{};
    void grow(int depth) {
      if (depth == 0) {
        ++leaves;
      } else {
        for (int i = 0; i < 4; ++i) {
          all.add(1);
          go([this, depth] {
            grow(depth - 1);
            all.done();
          });
        }
      }
    }
  } t{leaves};
  const int depth = scale(6) > 3 ? 6 : 4;
  t.grow(depth);
  t.all.wait();
  CHECK(leaves == 1 << (2 * depth));
}

FIBER_TEST("GO1: the function and its arguments are evaluated at the call") {
  std::atomic<int> got = 0;
  int argument = 1;
  struct function {
    int base;
    void operator()(std::atomic<int>& to, int n) const { to = base + n; }
  } f{10};
  go(f, std::ref(got), argument);
  argument = 2;
  f.base = 20;
  CHECK(eventually([&] { return got != 0; }));
  CHECK(got == 11);

  std::string text = "before";
  auto out = make_chan<std::string>();
  go([out](const std::string& s) { out << s; }, text);
  text = "after";
  CHECK(*out == "before");

  const char* words[] = {"one", "two"};
  go([out](const char* s) { out << std::string(s); }, words[0]);
  words[0] = words[1];
  CHECK(*out == "one");
}

FIBER_TEST("functions, member functions, function objects and move-only ones can be started") {
  auto out = make_chan<int>();
  struct counter {
    chan<int> to;
    int n = 7;
    void tell() { to << n; }
    void tell_sum(int more) const { to << n + more; }
  } c{out};
  go(&counter::tell, &c);
  CHECK(*out == 7);
  go(&counter::tell_sum, std::cref(c), 3);
  CHECK(*out == 10);
  std::function<void(int)> f = [=](int v) { out << v; };
  go(f, 4);
  CHECK(*out == 4);
  go([out, p = std::make_unique<int>(5)] { out << *p; });
  CHECK(*out == 5);
  go([out](std::unique_ptr<int> p) { out << *p; }, std::make_unique<int>(6));
  CHECK(*out == 6);
  go([out](std::unique_ptr<int>&& p) { out << *p; }, std::make_unique<int>(8));
  CHECK(*out == 8);
  go([out, n = 0]() mutable { out << ++n; });
  CHECK(*out == 1);
  struct only_as_rvalue {
    chan<int> to;
    void operator()() && { to << 9; }
  };
  go(only_as_rvalue{out});
  CHECK(*out == 9);
  go([out] {
    out << 11;
    return 5;  // is dropped
  });
  CHECK(*out == 11);
}

FIBER_TEST("closures of every size and alignment arrive intact") {
  auto out = make_chan<long>();
  const auto try_size = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
    std::array<unsigned char, N> data;
    for (std::size_t i = 0; i < N; ++i) {
      data[i] = static_cast<unsigned char>(i % 251);
    }
    const long expected = std::accumulate(data.begin(), data.end(), 0L);
    go([out, data] { out << std::accumulate(data.begin(), data.end(), 0L); });
    CHECK(*out == expected);
    go([](const chan<long>& to, const auto& d) { to << std::accumulate(d.begin(), d.end(), 0L); }, out, data);
    CHECK(*out == expected);
  };
  try_size(std::integral_constant<std::size_t, 1>());
  try_size(std::integral_constant<std::size_t, 31>());
  try_size(std::integral_constant<std::size_t, 32>());
  try_size(std::integral_constant<std::size_t, 33>());
  try_size(std::integral_constant<std::size_t, 40>());
  try_size(std::integral_constant<std::size_t, 48>());
  try_size(std::integral_constant<std::size_t, 100>());
  try_size(std::integral_constant<std::size_t, 10'000>());

  const auto try_alignment = [&]<std::size_t A>(std::integral_constant<std::size_t, A>) {
    struct alignas(A) overaligned {
      long n = 77;
    };
    go([out, v = overaligned()] { out << static_cast<long>(reinterpret_cast<std::uintptr_t>(&v) % A) + v.n; });
    CHECK(*out == 77);
  };
  try_alignment(std::integral_constant<std::size_t, 16>());
  try_alignment(std::integral_constant<std::size_t, 32>());
  try_alignment(std::integral_constant<std::size_t, 64>());
  try_alignment(std::integral_constant<std::size_t, 4096>());
}

FIBER_TEST("a closure and its arguments are destroyed once, when the fiber ends") {
  struct value {
    life<value> counted{};
  };
  auto gate = make_chan<void>();
  {
    value a;
    std::array<value, 20> many;
    go([gate, a] { gate.recv(); });
    go([gate](const value&, const std::array<value, 20>&) { gate.recv(); }, a, many);
  }
  CHECK(support::await_receivers(gate, 2));
  CHECK(census<value>::alive >= 22);
  gate.send();
  gate.send();
  CHECK(eventually([] { return census<value>::alive == 0; }));
}

FIBER_TEST("an argument whose copy throws leaves go(), and starts and leaks nothing") {
  struct value {
    life<value> counted{};
  };
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
    life<throws_when_copied> counted{};
  };
  {
    const int fibers = runtime::num_fibers();
    const throws_when_copied bad;
    const value good;
    std::atomic<int> ran = 0;
    const int rounds = scale(20'000);
    int thrown = 0;
    for (int i = 0; i < rounds; ++i) {
      try {
        if (i % 2 == 0) {
          go([&ran, good](const throws_when_copied&) { ++ran; }, bad);
        } else {
          go([&ran](const value&, const std::array<value, 20>&, const throws_when_copied&) { ++ran; }, good,
             std::array<value, 20>(), bad);
        }
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }
    CHECK(thrown == rounds);
    CHECK(runtime::num_fibers() == fibers);
    CHECK(census<value>::alive == 1);
    CHECK(census<throws_when_copied>::alive == 1);
    go([&] { ++ran; });
    CHECK(eventually([&] { return ran == 1; }));
  }
  CHECK(census<value>::alive == 0);
}

FIBER_TEST("GO13: num_fibers is 1 at the start, counts parked and unstarted fibers, and comes back") {
  CHECK(runtime::num_fibers() == 1);
  auto gate = make_chan<void>();
  for (int i = 0; i < 10; ++i) {
    go([=] { gate.recv(); });
  }
  CHECK(runtime::num_fibers() == 11);
  CHECK(support::await_receivers(gate, 10));
  CHECK(runtime::num_fibers() == 11);
  for (int i = 10; i > 0; --i) {
    gate.send();
    CHECK(eventually([&] { return runtime::num_fibers() == i; }));
  }
}

FIBER_TEST("max_procs tells and sets the number of workers") {
  const int n = support::width();
  CHECK(runtime::max_procs() == n);
  CHECK(runtime::max_procs(0) == n);
  CHECK(runtime::max_procs(-5) == n);
  CHECK(runtime::max_procs(3) == n);
  CHECK(runtime::max_procs() == 3);
  // Three fibers that do not yield meet only if three workers run them.
  std::atomic<int> arrived = 0;
  std::atomic<int> met = 0;
  support::crew others;
  const auto meet = [&] {
    ++arrived;
    const auto limit = std::chrono::steady_clock::now() + support::patience;
    while (arrived < 3 && std::chrono::steady_clock::now() < limit) {
    }
    met += arrived == 3;
  };
  others.go(meet);
  others.go(meet);
  meet();
  others.join();
  CHECK(met == 3);
  CHECK(runtime::max_procs(n) == 3);
  CHECK(runtime::max_procs() == n);
  // Work goes on after workers were taken away.
  sync::wait_group all;
  all.add(100);
  for (int i = 0; i < 100; ++i) {
    go([&] {
      runtime::gosched();
      all.done();
    });
  }
  all.wait();
  CHECK(runtime::num_cpu() >= 1);
}

FIBER_TEST("gosched lets every other runnable fiber run") {
  std::atomic<int> ran = 0;
  for (int i = 0; i < 100; ++i) {
    go([&] { ++ran; });
  }
  CHECK(eventually([&] { return ran == 100; }));
}

FIBER_TEST("a fiber that has not started owns no stack") {
#if GOSSAMER_ASAN || GOSSAMER_TSAN
  return;  // their shadow memory is not ours
#endif
  if (support::width() > 1) {
    return;  // others would start them
  }
  constexpr int count = 50'000;
  std::atomic<int> ran = 0;
  const std::size_t before = resident_bytes();
  for (int i = 0; i < count; ++i) {
    go([&] { ++ran; });
  }
  const std::size_t after = resident_bytes();
  const int early = ran;
  if (early < count / 10) {  // a rescuer may have come
    CHECK((after - before) / count < 1000);
  }
  CHECK(eventually([&] { return ran == count; }));
}

FIBER_TEST("a fiber's stack is as large as it was asked to be") {
  auto out = make_chan<int>();
  for (const std::size_t stack_bytes : {std::size_t{1} << 20, std::size_t{4} << 20, std::size_t{20} << 20}) {
    const std::size_t used = stack_bytes / 2;
    go(fiber_options{.stack_bytes = stack_bytes}, [=] { out << use_stack(used); });
    CHECK(*out > 0);
  }
  // Two of a size, one after the other and beside each other; and what is left of them does not disturb others.
  for (int i = 0; i < 20; ++i) {
    go(fiber_options{.stack_bytes = std::size_t{2} << 20}, [=] { out << use_stack(1 << 20); });
    go([=] { out << use_stack(40 << 10); });
  }
  int wrong = 0;
  for (int i = 0; i < 40; ++i) {
    wrong += *out <= 0;
  }
  CHECK(wrong == 0);
  go(fiber_options{.stack_bytes = std::size_t{1} << 30}, [=] { out << use_stack(1 << 20); });
  CHECK(*out > 0);
  go(fiber_options{}, [=](int n) { out << n; }, 5);
  CHECK(*out == 5);
}

FIBER_TEST("a stack of an impossible size panics in go(), and nothing is started") {
  const int fibers = runtime::num_fibers();
  std::atomic<int> ran = 0;
  for (const std::size_t bad : {std::size_t{1}, (std::size_t{1} << 30) + 1, std::size_t{1} << 40, SIZE_MAX}) {
    CHECK(panic_of([&] { go(fiber_options{.stack_bytes = bad}, [&] { ++ran; }); }) != "(no panic)");
  }
  CHECK(runtime::num_fibers() == fibers);
  go([&] { ran += 10; });
  CHECK(eventually([&] { return ran == 10; }));
}

FIBER_TEST("run() inside run() panics, from a fiber and from a thread, and harms nothing") {
  CHECK(panic_of([] { run([] {}); }) != "(no panic)");
  std::string text;
  std::thread other([&] { text = panic_of([] { run([] {}); }); });
  other.join();
  CHECK(text != "(no panic)");
  std::atomic<bool> ran = false;
  go([&] { ran = true; });
  CHECK(eventually([&] { return ran.load(); }));
}

PLAIN_TEST("run() returns what main returned") {
  CHECK(run([] {}) == 0);
  CHECK(run([] { return 7; }) == 7);
  CHECK(run([] { return static_cast<short>(8); }, {.procs = 2}) == 8);
  CHECK(run([] { return true; }) == 1);
  int calls = 0;
  struct main_object {
    int& calls;
    int operator()() { return ++calls; }
  } m{calls};
  CHECK(run(m) == 1);
  CHECK(run(std::move(m)) == 2);
}

PLAIN_TEST("run() refuses impossible options by a panic, and may be called again") {
  std::atomic<int> ran = 0;
  const auto body = [&] { ++ran; };
  CHECK(panic_of([&] { run(body, {.procs = 0}); }) != "(no panic)");
  CHECK(panic_of([&] { run(body, {.procs = -1}); }) != "(no panic)");
  CHECK(panic_of([&] { run(body, {.procs = 257}); }) != "(no panic)");
  CHECK(panic_of([&] { run(body, {.stack_bytes = 1}); }) != "(no panic)");
  CHECK(panic_of([&] { run(body, {.stack_bytes = 0}); }) != "(no panic)");
  CHECK(panic_of([&] { run(body, {.stack_bytes = (std::size_t{1} << 30) + 1}); }) != "(no panic)");
  CHECK(ran == 0);
  run(body, {.procs = 1});
  CHECK(ran == 1);
}

PLAIN_TEST("run() may be called again and again, at any width and stack size") {
  for (int round = 0; round < scale(60); ++round) {
    const int procs = 1 + round % 5;
    const std::size_t stack_bytes = std::size_t{1} << (18 + round % 4);
    int sum = 0;
    run(
        [&] {
          if (runtime::num_fibers() != 1 || runtime::max_procs() != procs) {
            FAIL_CHECK("round " << round << ": " << runtime::num_fibers() << " fibers");
          }
          auto ch = make_chan<int>(round % 3);
          go([=] {
            for (int i = 0; i < 10; ++i) {
              ch << i;
            }
            close(ch);
          });
          for (int v : ch) {
            sum += v;
          }
        },
        {.procs = procs, .stack_bytes = stack_bytes});
    if (sum != 45) {
      FAIL_CHECK("round " << round << ": sum " << sum);
    }
  }
}

PLAIN_TEST("GO2: fibers that main left behind never run again, not in a later run() either") {
  static std::atomic<long> steps{0};  // static: the fibers outlive this function
  run(
      [] {
        for (int i = 0; i < 5; ++i) {
          go([] {
            for (;;) {
              ++steps;
              runtime::gosched();
            }
          });
          go([] { time::sleep(1ms), steps += 1'000'000; });
        }
        CHECK(eventually([] { return steps > 100; }));
      },
      {.procs = 2});
  const long seen = steps;
  run(
      [&] {
        CHECK(runtime::num_fibers() == 1);
        const auto end = std::chrono::steady_clock::now() + 30ms;
        while (std::chrono::steady_clock::now() < end) {
          time::sleep(1ms);
        }
        CHECK(steps == seen);
      },
      {.procs = 2});
  CHECK(steps == seen);
}

PLAIN_TEST("go() works from plain threads, before, beside and after run()") {
  sync::wait_group all;
  std::atomic<int> ran = 0;
  const auto work = [&] {
    ++ran;
    all.done();
  };
  all.add(20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        go(work);
      }
    });
  }
  all.wait();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(ran == 20);
  run([&] {
    all.add(10);
    std::thread other([&] {
      for (int i = 0; i < 10; ++i) {
        go(work);
      }
    });
    all.wait();
    other.join();
  });
  CHECK(ran == 30);
  all.add(1);
  go(work);
  all.wait();
  CHECK(ran == 31);
}

// ---- children: how a program ends -----------------------------------------------------------------------------------

CHILD_PROGRAM("go before run") {
  sync::wait_group wg;
  std::atomic<int> ran = 0;
  wg.add(3);
  for (int i = 0; i < 3; ++i) {
    go([&] {
      ++ran;
      wg.done();
    });
  }
  wg.wait();
  const int before = ran;
  const int code = run([&] {
    auto ch = make_chan<int>();
    go([=] { ch << 30; });
    return *ch + before;
  });
  return code;
}
PLAIN_TEST("go() before run() starts the runtime") { CHECK(run_child("go before run").exited_with(33)); }

CHILD_PROGRAM("started before run") {
  static std::atomic<int> steps{0};
  go([] {
    for (;;) {
      ++steps;
      runtime::gosched();
    }
  });
  return run([] { return eventually([before = steps.load()] { return steps > before + 10; }) ? 4 : 1; });
}
PLAIN_TEST("a fiber that was started before run() goes on during run()") {
  CHECK(run_child("started before run").exited_with(4));
}

CHILD_PROGRAM("main returns") {
  struct noisy {
    ~noisy() { std::puts("destroyed"); }
  };
  static chan<void> never = make_chan<void>();
  const int code = run(
      [] {
        go([] {
          const noisy n;
          never.recv();
        });
        go([] {
          const noisy n;
          for (;;) {
            runtime::gosched();
          }
        });
        go([] {
          const noisy n;
          time::sleep(100h);
        });
        support::await_receivers(never, 1);
        support::await_parked(wait_reason::sleep, 1);
        return 5;
      },
      {.procs = 2});
  std::puts("after run");
  return code;
}
PLAIN_TEST("GO2: when main returns the program ends at once with its code, and the others' destructors do not run") {
  const child_result r = run_child("main returns");
  CHECK(r.exited_with(5));
  CHECK(r.out == "after run\n");
  CHECK(r.err == "");
}

CHILD_PROGRAM("main returns and a fiber runs on") {
  static std::atomic<bool> spinning{false};
  static volatile long turns = 0;
  run(
      [] {
        go([] {
          spinning = true;
          for (;;) {
            turns = turns + 1;
          }
        });
        eventually([] { return spinning.load(); });
        std::printf("main is done");  // in the buffer of stdout
        return 3;
      },
      {.procs = 2});
  return 99;
}
PLAIN_TEST(
    "GO2: a fiber that runs on when main has returned is named after 1 s, and the process ends with main's code") {
  const child_result r = run_child("main returns and a fiber runs on");
  CHECK(r.exited_with(3));
  CHECK(contains(r.err, "fiber "));
  CHECK(contains(r.err, "created by "));
  CHECK(r.out == "main is done");
  CHECK(r.took >= 900ms);
}

CHILD_PROGRAM("exception in a fiber") {
  struct noisy {
    ~noisy() { std::fputs("cleaned up\n", stderr); }
  };
  return run([] {
    std::printf("buffered");
    go([] {
      const noisy n;
      throw std::runtime_error("boom");
    });
    make_chan<void>().recv();
  });
}
PLAIN_TEST("GO7: an exception that leaves a fiber ends the process, after the fiber's destructors") {
  const child_result r = run_child("exception in a fiber");
  CHECK(r.exited_with(2));
  const auto report = r.err.find("panic: boom\n\nfiber ");
  CHECK(report != std::string::npos);
  CHECK(r.err.find("cleaned up\n") < report);
  CHECK(contains(r.err, " [running]:\n"));
  CHECK(contains(r.err, "created by "));
  CHECK(contains(r.err, " in fiber "));
  CHECK(r.out == "buffered");
}

CHILD_PROGRAM("panic in a fiber") {
  return run([] {
    go([] { panic("out of cheese"); });
    make_chan<void>().recv();
  });
}
CHILD_PROGRAM("panic in main") {
  return run([] { panic("main is out of cheese"); });
}
CHILD_PROGRAM("misuse in a fiber") {
  return run([] {
    auto ch = make_chan<int>();
    close(ch);
    go([=] { ch << 1; });
    make_chan<void>().recv();
  });
}
CHILD_PROGRAM("a string leaves a fiber") {
  return run([] {
    go([] { throw std::string("a string"); });
    make_chan<void>().recv();
  });
}
CHILD_PROGRAM("an int leaves a fiber") {
  return run([] {
    go([] { throw 5; });
    make_chan<void>().recv();
  });
}
CHILD_PROGRAM("panic in a thread's fiber") {
  go([] { panic("without run"); });
  make_chan<void>().recv();
  return 0;
}
PLAIN_TEST("GO7: the report begins with the panic's text, whatever was thrown and wherever") {
  const std::pair<const char*, const char*> cases[] = {
      {"panic in a fiber", "panic: out of cheese\n\nfiber "},
      {"panic in main", "panic: main is out of cheese\n\nfiber "},
      {"misuse in a fiber", "panic: send on closed channel\n\nfiber "},
      {"a string leaves a fiber", "panic: a string\n\nfiber "},
      {"an int leaves a fiber", "panic: "},
      {"panic in a thread's fiber", "panic: without run\n\nfiber "},
  };
  for (const auto& [program, begin] : cases) {
    const child_result r = run_child(program);
    if (!r.exited_with(2) || !starts_with(r.err, begin) || !contains(r.err, " [running]:\n")) {
      FAIL_CHECK(program << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
  CHECK(contains(run_child("panic in a thread's fiber").err, "created by "));
  CHECK(contains(run_child("an int leaves a fiber").err, "int"));
}

CHILD_PROGRAM("two fibers panic at once") {
  return run(
      [] {
        static std::atomic<int> ready{0};
        for (int i = 0; i < 4; ++i) {
          go([] {
            ++ready;
            while (ready < 4) {
              runtime::gosched();
            }
            panic("together");
          });
        }
        make_chan<void>().recv();
      },
      {.procs = 4});
}
PLAIN_TEST("GO7: fibers that panic at the same time end the process all the same") {
  for (int i = 0; i < 5; ++i) {
    const child_result r = run_child("two fibers panic at once");
    CHECK(r.exited_with(2));
    CHECK(contains(r.err, "panic: together\n"));
  }
}

CHILD_PROGRAM("go of an empty std::function") {
  return run([] {
    try {
      go(std::function<void()>());
    } catch (...) {
    }
    return 9;
  });
}
CHILD_PROGRAM("go of a null function pointer") {
  return run([] {
    void (*f)(int) = nullptr;
    try {
      go(f, 3);
    } catch (...) {
    }
    return 9;
  });
}
PLAIN_TEST("go of nothing is fatal, and cannot be caught") {
  for (const char* program : {"go of an empty std::function", "go of a null function pointer"}) {
    const child_result r = run_child(program);
    CHECK(r.exited_with(2));
    CHECK(starts_with(r.err, "fatal error: go of nil func value\n"));
  }
}

CHILD_PROGRAM("stack overflow") {
  return run([] {
    auto done = make_chan<int>();
    go([=] { done << use_stack(std::size_t{100} << 20); });
    return *done > 0 ? 0 : 1;
  });
}
PLAIN_TEST("a fiber that overflows its stack is stopped, not let into its neighbour's") {
  const child_result r = run_child("stack overflow");
  CHECK(!r.timed_out);
  CHECK((r.signal != 0 || r.code != 0));
}

CHILD_PROGRAM("output is flushed") {
  return run([] {
    std::printf("hello");
    return 6;
  });
}
PLAIN_TEST("a program that run() has ended exits like any other") {
  const child_result r = run_child("output is flushed");
  CHECK(r.exited_with(6));
  CHECK(r.out == "hello");
  CHECK(r.err == "");
}
