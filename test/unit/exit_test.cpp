// exit: the process ends with the code that was given, with whatever its fibers are at.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::run_child;

namespace {

std::string option(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? text : "";
}

// Fibers that use it all the time; once it is destroyed, that is a crash.
struct in_use {
  std::vector<int>* numbers = new std::vector<int>(100);
  std::atomic<bool> dead = false;
  void touch() {
    if (dead) {
      std::abort();
    }
    for (int& n : *numbers) {
      ++n;
    }
  }
  ~in_use() {
    dead = true;
    delete numbers;
    if (std::getenv("DOING") != nullptr) {
      std::printf("destroyed\n");
      std::this_thread::sleep_for(20ms);  // time enough for a fiber that still runs to abort
    }
  }
};
in_use early;  // constructed before the runtime starts

in_use& late() {  // and after
  static in_use object;
  return object;
}

void park_some() {
  for (int i = 0; i < 10; ++i) {
    go([] {
      const auto owned = std::make_unique<std::vector<int>>(1000);  // no leak, though only the fiber knows it
      make_chan<int>().recv();
      owned->clear();
    });
  }
  support::await_parked(wait_reason::chan_receive, 10);
}

void compute(in_use& object) {
  std::atomic<int> started = 0;
  for (int i = 0; i < 2; ++i) {
    go([&object, &started] {
      ++started;
      static sync::mutex mu;
      for (;;) {
        {
          const std::scoped_lock lock(mu);
          object.touch();
        }
        runtime::gosched();
      }
    });
  }
  while (started < 2) {
    runtime::gosched();
  }
}

// What the other fibers are at, by the variable DOING.
void keep_busy() {
  const std::string doing = option("DOING");
  if (doing == "parked") {
    park_some();
  } else if (doing == "early object") {
    compute(early);
  } else if (doing == "late object") {
    compute(late());
  } else {
    std::atomic<bool> begun = false;
    go([&] {
      if (doing == "blocking") {
        runtime::blocking([&] {
          begun = true;
          ::sleep(100);
        });
      } else if (doing == "raw call") {
        begun = true;
        ::sleep(100);
      } else {
        begun = true;
        for (;;) {
          asm volatile("");
        }
      }
    });
    while (!begun) {
      runtime::gosched();
    }
  }
}

// Ends the process with code 3, by the variable BY.
int end() {
  const std::string by = option("BY");
  std::printf("unfinished line");
  if (by == "main fiber") {
    std::exit(3);
  } else if (by == "fiber") {
    go([] { std::exit(3); });
    make_chan<int>().recv();
  } else if (by == "thread") {
    std::thread([] { std::exit(3); }).detach();
    make_chan<int>().recv();
  } else if (by == "blocking call") {
    runtime::blocking([] { std::exit(3); });
  } else if (by == "quick_exit") {
    std::fflush(stdout);
    std::quick_exit(3);
  } else if (by == "abort") {
    std::fflush(stdout);
    std::abort();
  }
  return 3;
}

}  // namespace

CHILD_PROGRAM("exit: in run") {
  return run([] {
    keep_busy();
    return end();
  });
}
CHILD_PROGRAM("exit: return of main, without run") {
  std::atomic<bool> ready = false;
  go([&] {
    keep_busy();
    ready = true;
    time::sleep(100h);
  });
  while (!ready) {
    std::this_thread::yield();
  }
  std::printf("unfinished line");
  if (option("BY") == "main thread") {
    std::exit(3);
  }
  return 3;
}

PLAIN_TEST("GO2: exit ends the process with its code and flushes stdout, whoever calls it and whatever fibers are at") {
  const std::pair<const char*, std::vector<const char*>> programs[] = {
      {"exit: in run", {"main fiber", "fiber", "thread", "blocking call", "return", "quick_exit"}},
      {"exit: return of main, without run", {"return", "main thread"}},
  };
  for (const auto& [program, ways] : programs) {
    for (const char* by : ways) {
      for (const char* doing : {"parked", "blocking", "early object"}) {
        const child_result r = run_child(program, {{"GOSSAMER", "procs=4"}, {"BY", by}, {"DOING", doing}});
        if (!r.exited_with(3) || !support::starts_with(r.out, "unfinished line") || !r.err.empty()) {
          FAIL_CHECK(program << " by " << by << ", " << doing << ": code " << r.code << ", signal " << r.signal
                             << (r.timed_out ? " (hung)\n" : "\n") << r.out << r.err);
        }
      }
    }
  }
}

PLAIN_TEST("a fiber that does not give up its worker holds exit up for a second, and is named") {
  std::vector<child_result> results(6);
  std::vector<std::thread> at_once;
  for (const char* by : {"main fiber", "thread", "return"}) {
    for (const char* doing : {"computing", "raw call"}) {
      at_once.emplace_back([by, doing, result = &results[at_once.size()]] {
        *result = run_child("exit: in run", {{"GOSSAMER", "procs=2"}, {"BY", by}, {"DOING", doing}});
      });
    }
  }
  for (std::thread& t : at_once) {
    t.join();
  }
  for (const child_result& r : results) {
    CHECK(r.exited_with(3));
    CHECK(r.out == "unfinished line");
    CHECK(support::count_of(r.err, ", but a fiber did not give up its worker:\nfiber ") == 1);
    CHECK(r.took >= 900ms);
  }
}

PLAIN_TEST("what was constructed after the runtime's start is destroyed when all fibers stand still, too") {
  for (const char* by : {"main fiber", "fiber", "blocking call", "return"}) {
    const child_result r = run_child("exit: in run", {{"GOSSAMER", "procs=4"}, {"BY", by}, {"DOING", "late object"}});
    CHECK(r.exited_with(3));
    CHECK(support::count_of(r.out, "destroyed\n") == 2);
    CHECK(r.err == "");
  }
}

PLAIN_TEST("abort in a fiber keeps its signal") {
  const child_result r =
      run_child("exit: in run", {{"GOSSAMER", "procs=2"}, {"BY", "abort"}, {"DOING", "early object"}});
  CHECK(r.signal == SIGABRT);
}

CHILD_PROGRAM("exit: two fibers and main at once") {
  return run([] {
    static std::atomic<int> ready = 0;  // outlives main
    for (int i = 0; i < 2; ++i) {
      go([] {
        for (++ready; ready < 3;) {
        }
        std::exit(3);
      });
    }
    for (++ready; ready < 3;) {
      runtime::gosched();
    }
    return 3;
  });
}
PLAIN_TEST("exit by several at once ends the process, and no worker is waited for that is in exit itself") {
  for (int i = 0; i < 10; ++i) {
    const child_result r = run_child("exit: two fibers and main at once", {{"GOSSAMER", "procs=4"}});
    CHECK(r.exited_with(3));
    CHECK(r.err == "");
  }
}

namespace {

struct blocks_when_destroyed {
  chan<int> never;
  ~blocks_when_destroyed() {
    if (never) {
      never.recv();
    }
  }
};
blocks_when_destroyed last;

}  // namespace

CHILD_PROGRAM("exit: a static destructor blocks") {
  return run([] {
    last.never = make_chan<int>();
    std::exit(3);
  });
}
PLAIN_TEST("a static destructor that blocks the fiber that has called exit is a fatal error, and no hang") {
  const child_result r = run_child("exit: a static destructor blocks");
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "fatal error: a static destructor or exit handler blocks"));
}

CHILD_PROGRAM("exit: a fiber exits before main comes to run") {
  static constinit std::atomic<bool> exits = false;
  std::atexit([] {  // runs after the runtime's own, which is registered later
    exits = true;
    exits.notify_one();
    ::usleep(100'000);  // the process is still there when main comes
  });
  go([] { std::exit(3); });
  exits.wait(false);
  return run([] { std::printf("ran\n"); });
}
PLAIN_TEST("a run that comes while a fiber's exit is at work waits for the end of the process") {
  const child_result r = run_child("exit: a fiber exits before main comes to run");
  CHECK(r.exited_with(3));
  CHECK(r.out == "");
  CHECK(r.err == "");
}

CHILD_PROGRAM("exit: go and run in an exit handler") {
  std::atexit([] {  // runs after the runtime's own, which is registered later
    go([] { std::printf("ran\n"); });
    std::printf("%s\n", support::panic_of([] { run([] {}); }).c_str());
  });
  run([] {});
  return 3;
}
PLAIN_TEST("what is spawned while the process exits never runs, and run panics") {
  const child_result r = run_child("exit: go and run in an exit handler");
  CHECK(r.exited_with(3));
  CHECK(support::starts_with(r.out, "gossamer: run called while the process exits\n"));
  CHECK_FALSE(contains(r.out, "ran\n"));
}

// ---- os::exit -------------------------------------------------------------------------------------------------------

namespace {

struct loud {
  const char* text;
  ~loud() { std::printf("%s\n", text); }
};

}  // namespace

CHILD_PROGRAM("os::exit") {
  static const loud at_exit{"static destructor"};
  std::atexit([] { std::printf("atexit\n"); });
  const std::string from = std::getenv("FROM");
  return run([&] {
    const loud deferred{"destructor of main's"};
    std::atomic<bool> hog_runs{false};
    go([&] {
      hog_runs = true;
      for (;;) {
        asm volatile("");
      }
    });
    while (!hog_runs) {
      runtime::gosched();
    }
    std::printf("written");
    if (from == "main") {
      os::exit(3);
    }
    std::thread plain;
    if (from == "fiber") {
      go([] { os::exit(3); });
    } else if (from == "thread") {
      plain = std::thread([] { os::exit(3); });
    } else {
      runtime::blocking([] { os::exit(3); });
    }
    select();
  });
}
PLAIN_TEST("os::exit ends the process at once, from anywhere, with no defer, destructor or exit handler run") {
  for (const char* from : {"main", "fiber", "thread", "blocking call"}) {
    const auto r = run_child("os::exit", {{"FROM", from}});
    CHECK(r.exited_with(3));
    CHECK(r.out == "written");
    CHECK(r.err.empty());
  }
}

CHILD_PROGRAM("os::exit without a runtime") { os::exit(256 + 9); }
PLAIN_TEST("os::exit needs no runtime, and gives the lowest eight bits of its code") {
  CHECK(run_child("os::exit without a runtime").exited_with(9));
}
