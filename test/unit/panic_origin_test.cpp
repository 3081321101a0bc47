// The report of a panic has the frames that threw it, however it has travelled; and fatal reports name the fiber.
#include <gossamer/conc.hpp>
#include <gossamer/debug.hpp>

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;
using support::starts_with;

namespace {

constexpr int frames = 30;

// Throws below that many frames: what has been thrown from elsewhere has few.
[[gnu::noinline]] int dive(int depth, bool panics) {
  if (depth == 0) {
    if (panics) {
      panic("deep");
    }
    throw std::runtime_error("deep");
  }
  const int n = dive(depth - 1, panics);
  asm volatile("" : : : "memory");
  return n + 1;
}

std::string from_environment(const char* name) {
  const char* const text = std::getenv(name);
  return text != nullptr ? text : "";
}

template <class F>
void call_twice(const F& f) {
  try {
    f();
  } catch (const std::exception&) {
  }
  f();
}

// By its name: each ends in what dive() throws.
void travel(const std::string& way, bool panics) {
  const auto fall = [panics] { return dive(frames, panics); };
  const auto forever = make_chan<void>();
  if (way == "throw;") {
    try {
      fall();
    } catch (...) {
      throw;
    }
  } else if (way == "exception_ptr, twice") {
    std::exception_ptr p;
    try {
      fall();
    } catch (...) {
      p = std::current_exception();
    }
    call_twice([&] { std::rethrow_exception(p); });
  } else if (way == "a channel of exception_ptr") {
    const auto ch = make_chan<std::exception_ptr>();
    go([=] {
      try {
        fall();
      } catch (...) {
        ch << std::current_exception();
      }
    });
    std::rethrow_exception(*ch);
  } else if (way == "a copy") {
    std::optional<panic_error> p;
    try {
      fall();
    } catch (const panic_error& e) {
      p.emplace(e);
    }
    throw *p;
  } else if (way == "panic() with what was caught") {
    try {
      fall();
    } catch (const panic_error& e) {
      panic(e);
    }
  } else if (way == "recover() and panic()") {
    func([&](defers& defer) {
      defer([&] {
        const auto p = defer.recover();
        panic(*p);
      });
      fall();
    });
  } else if (way == "func") {
    func([&](defers& defer) {
      defer([] { runtime::gosched(); });
      func([&](defers&) { fall(); });
    });
  } else if (way == "once_func") {
    call_twice(sync::once_func(fall));
  } else if (way == "once_value") {
    call_twice(sync::once_value(fall));
  } else if (way == "once_values") {
    call_twice(sync::once_values([=] { return std::pair(fall(), 1); }));
  } else if (way == "once_func in another fiber") {
    const auto f = sync::once_func(fall);
    sync::wait_group first;
    first.go([=] {
      try {
        f();
      } catch (const std::exception&) {
      }
    });
    first.wait();
    f();
  } else if (way == "once_func in once_func") {
    call_twice(sync::once_func([f = sync::once_func(fall)] { call_twice(f); }));
  } else if (way == "errgroup") {
    errgroup::group g;
    g.go([=]() -> error {
      fall();
      return nil;
    });
    forever.recv();
  } else if (way == "singleflight") {
    singleflight::group<int, int> g;
    const auto begun = make_chan<void>();
    const auto go_on = make_chan<void>();
    go([&] {
      try {
        g.do_(1, [&] {
          begun.send();
          go_on.recv();
          return fall();
        });
      } catch (const std::exception&) {
      }
    });
    begun.recv();
    time::after_func(10ms, [=] { go_on.send(); });
    g.do_(1, fall);
  } else if (way == "singleflight, to a listener") {
    singleflight::group<int, int> g;
    g.do_chan(1, fall).recv();
  } else if (way == "conc::for_each") {
    conc::for_each(std::vector<int>{1}, [&](int) { fall(); });
  } else if (way == "conc::map, in errgroup") {
    errgroup::group g;
    g.go([=] { conc::map(std::vector<int>{1}, [=](int) { return fall(); }); });
    forever.recv();
  } else if (way == "wait_group::go") {
    sync::wait_group wg;
    wg.go(fall);
    wg.wait();
  } else if (way == "context::after_func") {
    auto [ctx, cancel] = context::with_cancel(context::background());
    const auto stop = context::after_func(ctx, [=] { fall(); });
    cancel();
    forever.recv();
  } else if (way == "time::after_func") {
    time::after_func(1ms, [=] { fall(); });
    forever.recv();
  }
}

}  // namespace

CHILD_PROGRAM("throws on") {
  return run([] { travel(from_environment("WAY"), from_environment("WHAT") == "panic"); });
}

PLAIN_TEST("FR3: the report has the frames that threw the panic first, whichever way it has come") {
  for (const char* way : {"throw;",
                          "exception_ptr, twice",
                          "a channel of exception_ptr",
                          "a copy",
                          "panic() with what was caught",
                          "recover() and panic()",
                          "func",
                          "once_func",
                          "once_value",
                          "once_values",
                          "once_func in another fiber",
                          "once_func in once_func",
                          "errgroup",
                          "singleflight",
                          "singleflight, to a listener",
                          "conc::for_each",
                          "conc::map, in errgroup",
                          "wait_group::go",
                          "context::after_func",
                          "time::after_func"}) {
    const child_result r = run_child("throws on", {{"WAY", way}, {"WHAT", "panic"}});
    if (!r.exited_with(2) || !starts_with(r.err, "panic: deep") || support::count_of(r.err, "\n\t") < frames) {
      FAIL_CHECK(way << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
}

PLAIN_TEST("FR3: the same of any exception that the library has passed on") {
  for (const char* way :
       {"func", "recover() and panic()", "once_func", "once_value", "once_values", "once_func in another fiber",
        "errgroup", "singleflight", "singleflight, to a listener", "conc::for_each", "conc::map, in errgroup",
        "wait_group::go", "context::after_func", "time::after_func"}) {
    const child_result r = run_child("throws on", {{"WAY", way}, {"WHAT", "exception"}});
    if (!r.exited_with(2) || !starts_with(r.err, "panic: deep") || support::count_of(r.err, "\n\t") < frames ||
        contains(r.err, "thrown on")) {
      FAIL_CHECK(way << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
}

PLAIN_TEST("where the program has thrown another exception on, the report says that its frames are not the first") {
  for (const char* way : {"throw;", "exception_ptr, twice", "a channel of exception_ptr"}) {
    const child_result r = run_child("throws on", {{"WAY", way}, {"WHAT", "exception"}});
    if (!r.exited_with(2) || !starts_with(r.err,
                                          "panic: deep\n\t[thrown on by the frames below; those that threw it "
                                          "first are not known]\n\nfiber 1 [running]:\n")) {
      FAIL_CHECK(way << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
  }
}

FIBER_TEST("panics from many places at once carry the frames of each, and end in their own handlers") {
  support::crew all;
  std::atomic<int> wrong = 0;
  for (int f = 0; f < 8; ++f) {
    all.go([&, f] {
      for (int i = 0; i < support::scale(200); ++i) {
        try {
          dive(1 + (f + i) % 40, true);
          ++wrong;
        } catch (const panic_error& p) {
          wrong += p.text() != "deep" || p.payload().thrown_at == nullptr;
        }
        if (i % 10 == 0) {
          runtime::gosched();
        }
      }
    });
  }
  all.join();
  CHECK(wrong == 0);
}

// ---- fatal reports name the fiber -----------------------------------------------------------------------------------

namespace {

struct throws_at_its_end {
  bool armed = true;
  throws_at_its_end() = default;
  throws_at_its_end(throws_at_its_end&& other) noexcept : armed(std::exchange(other.armed, false)) {}
  ~throws_at_its_end() noexcept(false) {
    if (armed) {
      throw std::runtime_error("from a destructor");
    }
  }
};
struct ends_in_noexcept {
  bool armed = true;
  ends_in_noexcept() = default;
  ends_in_noexcept(ends_in_noexcept&& other) noexcept : armed(std::exchange(other.armed, false)) {}
  ~ends_in_noexcept() {
    if (armed) {
      terminate_from_destructor();
    }
  }
  [[gnu::noinline]] static void terminate_from_destructor() { dive(3, false); }
};

void fail_as(const std::string& way) {
  if (way == "panic") {
    panic("it");
  } else if (way == "terminate") {
    std::terminate();
  } else if (way == "noexcept") {
    []() noexcept { dive(frames, false); }();
  } else if (way == "a panic through noexcept") {
    []() noexcept { dive(frames, true); }();
  } else if (way == "fatal") {
    sync::mutex().unlock();
  } else if (way == "segv") {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  }
}

}  // namespace

CHILD_PROGRAM("fails in a fiber with a name and labels") {
  const std::string way = from_environment("WAY");
  if (from_environment("HANDLER") == "own") {
    std::set_terminate([] {
      std::fputs("the program's own handler\n", stderr);
      std::_Exit(7);
    });
  }
  return run([&] {
    const auto forever = make_chan<void>();
    debug::set_labels({{"zone", "a b"}, {"user", "ann"}});
    const fiber_options named{.name = "fetch it"};
    if (way == "a closure's destructor") {
      go(named, [t = throws_at_its_end()] { static_cast<void>(t); });
    } else if (way == "a closure's noexcept destructor") {
      go(named, [t = ends_in_noexcept()] { static_cast<void>(t); });
    } else {
      go(named, [&] { fail_as(way); });
    }
    forever.recv();
  });
}

PLAIN_TEST("a fatal report of any kind has the fiber's name and labels") {
  const std::string header = " \"fetch it\" [running] {user: ann, zone: \"a b\"}:\n";
  const std::map<std::string, std::pair<std::string, int>> ways{
      {"panic", {"panic: it\n\nfiber ", 0}},
      {"terminate", {"fatal error: terminate called without an active exception\n\nfiber ", SIGABRT}},
      {"noexcept",
       {"fatal error: terminate called after throwing an instance of 'std::runtime_error'\npanic: deep\n\nfiber ",
        SIGABRT}},
      {"a panic through noexcept", {"fatal error: terminate called after a panic\npanic: deep\n\nfiber ", SIGABRT}},
      {"fatal", {"fatal error: sync: unlock of unlocked mutex\n\nfiber ", 0}},
      {"a closure's destructor", {"panic: from a destructor\n\nfiber ", 0}},
      {"a closure's noexcept destructor",
       {"fatal error: terminate called after throwing an instance of 'std::runtime_error'\npanic: deep\n\nfiber ",
        SIGABRT}},
#if !GOSSAMER_ASAN && !GOSSAMER_TSAN
      {"segv", {"[signal SIGSEGV: ", SIGSEGV}},
#endif
  };
  for (const auto& [way, end] : ways) {
    const child_result r = run_child("fails in a fiber with a name and labels", {{"WAY", way}});
    const bool ended = end.second == 0 ? r.exited_with(2) : r.signal == end.second;
    if (!ended || !starts_with(r.err, end.first) || support::count_of(r.err, header) != 1 ||
        !contains(r.err, "created by ")) {
      FAIL_CHECK(way << ": exit code " << r.code << ", signal " << r.signal << "\n" << r.err);
    }
    if (way == "a panic through noexcept") {
      CHECK(support::count_of(r.err, "\n\t") >= frames);
    }
  }
}

PLAIN_TEST("std::terminate in a fiber is reported, and then the program's own handler is called") {
  for (const char* way : {"terminate", "noexcept"}) {
    const child_result r = run_child("fails in a fiber with a name and labels", {{"WAY", way}, {"HANDLER", "own"}});
    CHECK(r.exited_with(7));
    CHECK(starts_with(r.err, "fatal error: terminate called "));
    CHECK(support::count_of(r.err, "the program's own handler\n") == 1);
  }
}

CHILD_PROGRAM("terminates on a plain thread") {
  std::set_terminate([] { std::_Exit(7); });
  const int code = run([] { return 0; });
  if (code == 0) {
    std::terminate();
  }
  return code;
}
PLAIN_TEST("std::terminate on a plain thread is the program's own affair") {
  const child_result r = run_child("terminates on a plain thread");
  CHECK(r.exited_with(7));
  CHECK(r.err.empty());
}
