// What outlives a run(): calls that fibers make for others, and that never end because those fibers were abandoned.
#include <signal.h>

#include <atomic>

#include "in_runs.hpp"
#include "inside.hpp"
#include "signals.hpp"

using namespace gossamer;
using support::await_parked;
using support::await_receivers;
using support::eventually;
using support::run_each;

PLAIN_TEST("a once whose call was abandoned is called again, once, and those that waited for it get nothing") {
  run_each([](auto in_run) {
    sync::once once;
    std::atomic<int> calls = 0, ran = 0;
    const auto never = make_chan<void>();
    const auto get = sync::once_value([&calls, never] {
      if (++calls == 1) {
        never.recv();
      }
      return 7;
    });
    in_run([&] {
      go([&, never] {
        once.do_([&] { never.recv(); });
        ++ran;
      });
      go([&] { ran += get(); });
      CHECK(await_receivers(never, 2));
      for (int i = 0; i < 2; ++i) {
        go([&] {
          once.do_([] {});
          ++ran;
        });
        go([&] { ran += get(); });
      }
      go([&, never] { ran += once.do_until(never, [] {}) + 1; });
      CHECK(await_parked(wait_reason::once_do, 5));
    });
    in_run([&] {
      int made = 0;  // not atomic: whoever returns has seen the call
      std::atomic<int> returned = 0;
      support::crew all;
      for (int i = 0; i < 4; ++i) {
        all.go([&] {
          once.do_([&] {
            runtime::gosched();
            ++made;
          });
          returned += made;
          CHECK(get() == 7);
        });
      }
      all.join();
      CHECK(returned == 4);
      CHECK(calls == 2);
    });
    in_run([&] { once.do_([&] { ++calls; }); });  // it is over for good
    CHECK(calls == 2);
    CHECK(ran == 0);
  });
}

PLAIN_TEST("a call by singleflight that was abandoned is in flight no more, and those that waited for it get nothing") {
  run_each([](auto in_run) {
    singleflight::group<int, int> group;
    std::atomic<int> ran = 0;
    const auto never = make_chan<void>();
    const auto stuck = [never] {
      never.recv();
      return 1;
    };
    recv_chan<singleflight::result<int>> unanswered;
    in_run([&] {
      go([&, stuck] { ran += std::get<0>(group.do_(1, stuck)); });
      unanswered = group.do_chan(2, stuck);
      CHECK(await_receivers(never, 2));
      for (const int key : {1, 2}) {
        go([&, key, stuck] { ran += std::get<0>(group.do_(key, stuck)); });
      }
      CHECK(await_parked(wait_reason::wait_group_wait, 2));
    });
    in_run([&] {
      std::atomic<int> made = 0, got = 0;
      std::atomic<bool> everybody_waits = false;
      support::crew all;
      for (const int key : {1, 2}) {
        for (int i = 0; i < 3; ++i) {
          all.go([&, key] {
            got += std::get<0>(group.do_(key, [&] {
              ++made;
              eventually([&] {
                // Two for each key, and main.
                if (support::parked(wait_reason::wait_group_wait) == 5) {
                  everybody_waits = true;
                }
                return everybody_waits.load();
              });
              return 10;
            }));
          });
        }
      }
      all.join();
      CHECK(got == 60);
      CHECK(made == 2);
      CHECK(group.do_chan(2, [] { return 5; }).recv()->val == 5);
      CHECK(select(recv(unanswered), otherwise) == 1);
    });
    CHECK(ran == 0);
  });
}

PLAIN_TEST("a signal goes to those that wait now, not to the abandoned") {
  run_each([](auto in_run) {
    std::atomic<int> ran = 0;
    const auto unbuffered = make_chan<os::signal>();
    const auto buffered = make_chan<os::signal>(1);
    const auto [ctx, stop] = signal::notify_context(context::background(), SIGUSR1);
    in_run([&] {
      for (const auto& ch : {unbuffered, buffered}) {
        signal::notify(ch, SIGUSR1);
        go([&, ch] {
          ch.recv();
          ++ran;
        });
        CHECK(await_receivers(ch, 1));
      }
      go([&, done = ctx.done()] {
        done.recv();
        ++ran;
      });
      CHECK(await_parked(wait_reason::chan_receive, 3));
    });
    in_run([&] {
      std::atomic<int> got = 0;
      support::crew all;
      all.go([&] { got += unbuffered.recv() == SIGUSR1; });
      all.go([&, done = ctx.done()] {
        done.recv();
        ++got;
      });
      CHECK(await_parked(wait_reason::chan_receive, 2));
      support::raise_now(SIGUSR1);
      CHECK(buffered.recv() == SIGUSR1);
      all.join();
      CHECK(got == 2);
      signal::stop(unbuffered);
      signal::stop(buffered);
      stop();
    });
    CHECK(ran == 0);
  });
}
