// What a worker's thread is at, and the fiber that is locked to it: the changes that its thread, the monitor and
// inspectors make, each as they may.
#include "sched/worker_status.hpp"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "fiber_test.hpp"
#include "sched/thread_pin.hpp"

using namespace gossamer;
using sched::duty;
using sched::thread_pin;
using sched::worker_status;

PLAIN_TEST("a blocking call that nobody has noticed begins and ends, and one within another changes nothing") {
  worker_status s;
  CHECK(s.now() == duty::working);
  CHECK(s.begin_call(nullptr) == duty::working);
  CHECK(s.in_call());
  CHECK(s.begin_call(nullptr) == duty::blocking);
  CHECK(s.end_call() == duty::working);
  CHECK_FALSE(s.in_call());
  CHECK(s.end_call() == duty::working);  // it was in none
  CHECK(s.calls() == 2);
}

PLAIN_TEST("a fiber that is asked to give way is asked once, and whoever takes that back does so once") {
  worker_status s;
  worker_status other;
  const int before = detail::resched_requests;
  CHECK_FALSE(s.end_request());
  s.request_resched(7);
  s.request_resched(8);
  other.request_resched(9);
  CHECK(detail::resched_requests == before + 2);
  CHECK(s.end_request());
  CHECK_FALSE(s.end_request());
  CHECK(detail::resched_requests == before + 1);
  CHECK(other.end_request());
  CHECK(detail::resched_requests == before);
}

PLAIN_TEST("what one fiber was asked is not granted by the next, and is over all the same") {
  worker_status s;
  const int before = detail::resched_requests;
  CHECK_FALSE(s.grant_request(0));
  s.request_resched(7);
  CHECK(s.grant_request(7));
  CHECK_FALSE(s.grant_request(7));
  s.request_resched(7);
  CHECK_FALSE(s.grant_request(8));
  CHECK(detail::resched_requests == before);
  CHECK_FALSE(s.grant_request(7));
}

PLAIN_TEST("a call that was noticed ends through the monitor only, and where the worker is away it does not count") {
  worker_status s;
  CHECK_FALSE(s.replace(duty::blocking, false, 7));  // it is in none
  s.begin_call(nullptr);
  CHECK_FALSE(s.is_away());
  CHECK(s.replace(duty::blocking, false, 7));
  CHECK(s.is_away());
  CHECK(s.end_call() == duty::replaced);
  CHECK(s.in_call());
  CHECK_FALSE(s.has_left_call(7));
  CHECK(s.has_left_call(8));
  CHECK_FALSE(s.settle(duty::blocking));
  CHECK(s.settle(duty::replaced));
  CHECK_FALSE(s.is_away());
  s.set_pinned(true);
  CHECK(s.is_away());
  CHECK(s.now() == duty::working);
}

PLAIN_TEST("a worker that is stuck is a hog if it computes, and begins a call though somebody stands in for it") {
  worker_status s;
  CHECK(s.replace(duty::working, true, 1));
  CHECK(s.is_hog());
  CHECK(s.is_away());
  CHECK_FALSE(s.in_call());
  CHECK(s.begin_call(nullptr) == duty::stuck);
  s.replace_in_call(1);
  CHECK_FALSE(s.is_hog());
  CHECK(s.end_call() == duty::replaced);
  s.back_to_work();
  CHECK(s.replace(duty::working, false, 1));
  CHECK_FALSE(s.is_hog());
  CHECK(s.end_call() == duty::stuck);  // it was in no call
}

// A thread that begins and ends calls, an inspector, and a monitor that lets somebody stand in for it now and then.
PLAIN_TEST("while a call is inspected it does not end, and one that was replaced comes back once for each time") {
  worker_status s;
  std::mutex guard;
  std::atomic<bool> in_call{false};
  std::atomic<bool> done{false};
  std::atomic<long> wrong{0};
  long replaced = 0;
  long came_back = 0;
  std::thread monitor([&] {
    while (!done) {
      {
        const std::scoped_lock hold(guard);
        replaced += s.replace(duty::blocking, false, 0) ? 1 : 0;
      }
      ::sched_yield();
    }
  });
  std::thread inspector([&] {
    for (; !done; ::sched_yield()) {
      const std::scoped_lock hold(guard);
      if (s.inspect() == duty::blocking) {
        for (int i = 0; i < 20; ++i) {
          wrong.fetch_add(in_call && s.now() == duty::inspected ? 0 : 1, std::memory_order_relaxed);
        }
        s.end_inspection();
      }
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    in_call = true;
    s.begin_call(nullptr);
    if (i % 16 == 0) {
      ::sched_yield();
    }
    duty seen = s.end_call();
    while (seen == duty::inspected) {
      {
        const std::scoped_lock wait(guard);
      }
      seen = s.end_call();
    }
    if (seen == duty::replaced) {
      const std::scoped_lock hold(guard);
      s.back_to_work();
      ++came_back;
    }
    in_call = false;
  }
  done = true;
  monitor.join();
  inspector.join();
  CHECK(wrong == 0);
  CHECK(came_back == replaced);
  CHECK(s.now() == duty::working);
}

PLAIN_TEST("a fiber is locked until it has been unlocked as often") {
  thread_pin pin;
  fiber f;
  CHECK_FALSE(pin.is_locked());
  CHECK_FALSE(pin.unlock());
  pin.lock(f);
  CHECK(pin.lock_again());
  CHECK_FALSE(pin.unlock());
  CHECK(pin.locked() == &f);
  CHECK(pin.unlock());
  CHECK(pin.release() == &f);
  CHECK_FALSE(pin.is_locked());
}

PLAIN_TEST("a call for the locked fiber outlasts a nudge, and both end a sleep") {
  thread_pin pin;
  pin.nudge();
  CHECK_FALSE(pin.is_called());
  pin.take_nudge();
  pin.call();
  pin.nudge();  // changes nothing
  CHECK(pin.is_called());
  pin.take_nudge();
  CHECK(pin.is_called());
  pin.sleep(detail::no_deadline);  // returns at once
  pin.answer();
  CHECK_FALSE(pin.is_called());
  std::thread caller([&] { pin.call(); });
  while (!pin.is_called()) {
    pin.sleep(detail::no_deadline);
  }
  caller.join();
}
