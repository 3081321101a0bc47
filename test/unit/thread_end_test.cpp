// What the destructors of a program's thread-locals and static objects may do, before and after the library's own.
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::run_child;

namespace {

// Calls what it was given last when its thread ends.
struct at_thread_end {
  std::function<void()> f;
  ~at_thread_end() {
    if (f) {
      f();
    }
  }
};
// Made at their first uses, and destroyed the other way round. In a function each: those of a namespace would all be
// made when one of them is first used, in the order of their definitions.
at_thread_end& goes_first() {
  thread_local at_thread_end it;
  return it;
}
at_thread_end& goes_last() {
  thread_local at_thread_end it;
  return it;
}

struct here;
using census = support::census<here>;
struct counted {
  support::life<here> alive;
  int n = 0;
};
fiber_local<counted> value;

// What blocks, in each way that there is.
struct meeting_place {
  chan<int> ch = make_chan<int>();
  sync::mutex mu;
  sync::cond changed;
  sync::wait_group wg;
  semaphore::weighted sem{1};
  bool told = false;
};

int say_good_bye(meeting_place& at) {
  int done = 0;
  at.ch.send(1);
  done += *at.ch == 2;
  {
    std::unique_lock lock(at.mu);
    at.changed.wait(lock, [&] { return at.told; });
    ++done;
  }
  at.wg.wait();
  time::sleep(1ms);
  const auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
  done += at.sem.acquire(ctx, 1) == context::deadline_exceeded;
  ctx.done().recv();
  cancel();
  done += select(recv(at.ch), recv(time::after(1ms))) == 1;
  done += ++value->n > 0;
  go([&at] { at.ch.send(3); });
  done += *at.ch == 3;
  return done;
}

void answer(meeting_place& at) {
  CHECK(*at.ch == 1);
  at.ch.send(2);
  {
    const std::scoped_lock hold(at.mu);
    at.told = true;
    at.changed.broadcast();
  }
  at.wg.done();
}

}  // namespace

FIBER_TEST("destructors of a thread's thread-locals may block in every way, before the library's and after it") {
  const auto before = census::alive.load();
  for (int round = 0; round < 6; ++round) {
    meeting_place early, late;
    CHECK(early.sem.try_acquire(1));
    CHECK(late.sem.try_acquire(1));
    early.wg.add(1);
    late.wg.add(1);
    std::atomic<int> done = 0;
    std::thread t([&] {
      goes_last().f = [&] { done += say_good_bye(late); };
      if (round % 2 == 0) {
        value->n = 1;  // what the library has of the thread goes between them
        time::sleep(1us);
      }
      goes_first().f = [&] { done += say_good_bye(early); };
    });
    answer(early);
    answer(late);
    runtime::blocking([&] { t.join(); });
    CHECK(done == 12);
    CHECK(census::alive.load() == before);
  }
}

FIBER_TEST("a destructor of a thread's key may block and use fiber_locals, too, and nothing is left") {
  static std::atomic<chan<int>*> where{nullptr};
  static const pthread_key_t key = [] {
    pthread_key_t k{};
    ::pthread_key_create(&k, [](void*) {
      value->n += 1;
      *where.load() << value->n;
    });
    return k;
  }();
  const auto before = census::alive.load();
  auto ch = make_chan<int>();
  where = &ch;
  for (int i = 0; i < 4; ++i) {
    std::thread t([&, i] {
      ::pthread_setspecific(key, &ch);
      value->n = i;
    });
    CHECK(ch.recv() == 1);  // made anew: the thread's own had gone
    runtime::blocking([&] { t.join(); });
    CHECK(census::alive.load() == before);
  }
}

FIBER_TEST("a thread that ends takes no record with it, however often it comes back to life") {
  const auto end_one = [] {
    std::thread t([] {
      goes_last().f = [] { time::sleep(1us); };
      time::sleep(1us);
      goes_first().f = [] { time::sleep(1us); };
    });
    runtime::blocking([&] { t.join(); });
  };
  const auto threads = [] {
    int n = 0;
    support::all_records().for_each([&](fiber& f) { n += f.state.load() == fiber_state::thread; });
    return n;
  };
  end_one();
  const int before = threads();
  for (int i = 0; i < 20; ++i) {
    end_one();
  }
  CHECK(threads() == before);
}

namespace {

chan<int>& static_channel() {
  static auto& ch = *new chan<int>(make_chan<int>(1));
  return ch;
}
struct says_what_it_sees {
  int n = 7;
  ~says_what_it_sees() { std::printf("%d destroyed\n", n); }
};
fiber_local<says_what_it_sees> seen_at_exit;

void use_everything(const char* who) {
  sync::mutex mu;
  const std::scoped_lock hold(mu);
  int v = 0;
  const bool timed_out = static_channel().recv_for(1ms, v) == channel_status::ended;
  static_channel().send(5);
  const bool chosen = select(recv(static_channel(), v), otherwise) == 0 && v == 5;
  const bool stopped = !mu.try_lock_for(1ms);
  time::sleep(1ms);
  ++seen_at_exit->n;
  std::printf("%s: %d %d %d, %d\n", who, timed_out, chosen, stopped, seen_at_exit->n);
}

struct blocks_when_destroyed {
  const char* who;
  ~blocks_when_destroyed() { use_everything(who); }
};

}  // namespace

CHILD_PROGRAM("blocks while it exits") {
  ::setvbuf(stdout, nullptr, _IONBF, 0);
  std::atexit([] { use_everything("handler from before"); });
  static blocks_when_destroyed early{"static object from before"};
  const int code = run([] {
    static blocks_when_destroyed late{"static object of the run"};
    time::sleep(1ms);
    return 3;
  });
  std::atexit([] { use_everything("handler from after"); });
  thread_local blocks_when_destroyed of_main{"main's thread-local"};
  static_cast<void>(&of_main);
  return code;
}
PLAIN_TEST("static objects, exit handlers and main's thread-locals may block and use fiber_locals after main") {
  const auto r = run_child("blocks while it exits");
  CHECK(r.exited_with(3));
  for (const char* who : {"handler from before", "static object from before", "static object of the run",
                          "handler from after", "main's thread-local"}) {
    CHECK(support::contains(r.out, std::string(who) + ": 1 1 1, "));
  }
  int made = 0;
  for (int n = 8; n < 13; ++n) {
    made += support::count_of(r.out, ", " + std::to_string(n) + "\n") != 0;
  }
  // Each value that was made is destroyed, with what it was last.
  CHECK(support::count_of(r.out, ", 8\n") == support::count_of(r.out, " destroyed\n"));
  CHECK(made > 0);
}
