// What outlives a run(): fibers that it has abandoned still stand in the queues of objects that a later run() uses.
#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "gossamer/io/pipe.hpp"
#include "gossamer/net.hpp"
#include "gossamer/os/command.hpp"
#include "in_runs.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::await_parked;
using support::await_receivers;
using support::await_senders;
using support::eventually;
using support::run_each;

namespace {

// Plain threads that wait for something of ours.
int sleeping_threads() {
  int n = 0;
  support::all_records().for_each([&](fiber& f) { n += f.is_thread() && f.thread_word.load() == 2 ? 1 : 0; });
  return n;
}

// Takes what comes, and never says so.
struct stuck_writer {
  io::result write(std::span<const std::byte> from) {
    got += from.size();
    make_chan<void>().recv();
    return {from.size(), nil};
  }
  std::atomic<std::size_t> got = 0;
};

}  // namespace

PLAIN_TEST("a channel hands nothing to receivers that were abandoned, and takes nothing from such senders") {
  run_each([](auto in_run) {
    std::atomic<int> ran = 0;
    auto ch = make_chan<int>();
    auto buffered = make_chan<int>(1);
    in_run([&] {
      for (int i = 0; i < 3; ++i) {
        go([&, ch] {
          ch.recv();
          ++ran;
        });
      }
      CHECK(await_receivers(ch, 3));
      buffered.send(1);
      go([&, buffered] {
        buffered.send(2);
        ++ran;
      });
      CHECK(await_senders(buffered, 1));
    });
    in_run([&] {
      int got = 0;
      CHECK(select(send(ch, 1), otherwise) == 1);  // nobody receives
      go([&, ch] { ch.send(7); });
      CHECK(ch.recv_for(support::patience, got) == channel_status::done);
      CHECK(got == 7);
      CHECK(buffered.recv() == 1);
      CHECK(select(recv(buffered), otherwise) == 1);
    });
    CHECK(ran == 0);
  });
}

PLAIN_TEST("a select, a timed wait and a wait for a context that were abandoned take nothing") {
  run_each([](auto in_run) {
    std::atomic<int> ran = 0;
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto [ctx, cancel] = context::with_cancel(context::background());
    in_run([&] {
      go([&, a, b] { ran += select(recv(a), recv(b)) + 1; });
      go([&, a] {
        int v = 0;
        static_cast<void>(a.recv_for(1h, v));
        ++ran;
      });
      go([&, b, ctx] {
        int v = 0;
        static_cast<void>(b.recv_until(ctx, v));
        ++ran;
      });
      go([&, ctx] {
        ctx.done().recv();
        ++ran;
      });
      CHECK(await_receivers(a, 2));
      CHECK(await_receivers(b, 2));
      CHECK(eventually([&] { return support::parked(wait_reason::chan_receive) >= 3; }));
    });
    in_run([&] {
      CHECK(select(send(a, 1), otherwise) == 1);
      CHECK(select(send(b, 1), otherwise) == 1);
      std::atomic<bool> ended = false;
      go([&, ctx] {
        ctx.done().recv();
        ended = true;
      });
      cancel();
      CHECK(eventually([&] { return ended.load(); }));
    });
    CHECK(ran == 0);
  });
}

PLAIN_TEST("locks that abandoned fibers waited for can be had, and wake those that wait now") {
  run_each([](auto in_run) {
    sync::mutex mu;
    sync::rw_mutex rw;
    in_run([&] {
      mu.lock();
      rw.lock();
      for (int i = 0; i < 3; ++i) {
        go([&] { mu.lock(); });
        go([&] { rw.lock(); });
        go([&] { rw.lock_shared(); });
      }
      CHECK(await_parked(wait_reason::mutex_lock, 3));
      CHECK(eventually([&] {
        return support::parked(wait_reason::rw_mutex_lock) + support::parked(wait_reason::rw_mutex_rlock) == 6;
      }));
    });
    mu.unlock();
    rw.unlock();
    in_run([&] {
      std::atomic<int> had = 0;
      support::crew all;
      for (int i = 0; i < 8; ++i) {
        all.go([&] {
          for (int k = 0; k < 50; ++k) {
            const std::scoped_lock hold(mu);
            runtime::gosched();
          }
          {
            const std::scoped_lock hold(rw);
            runtime::gosched();
          }
          const std::shared_lock hold(rw);
          ++had;
        });
      }
      all.join();
      CHECK(had == 8);
    });
  });
}

// Whoever unlocks last ends the run at once: sometimes before the one that was woken has run.
PLAIN_TEST("a mutex that was unlocked as main returned is free, and wakes those that wait in the next run") {
  for (int round = 0; round < support::scale(60); ++round) {
    sync::mutex mu;
    run(
        [&] {
          mu.lock();
          for (int i = 0; i < 3; ++i) {
            go([&] {
              mu.lock();
              mu.unlock();
            });
          }
          CHECK(await_parked(wait_reason::mutex_lock, 3));
          if (round % 2 == 0) {
            time::sleep(2ms);  // whoever is woken and fails is owed it from then on
            mu.unlock();
            mu.lock();
            runtime::gosched();
          }
          mu.unlock();
        },
        {.procs = 1});
    run(
        [&] {
          CHECK(mu.try_lock_for(support::patience));
          std::atomic<int> had = 0;
          support::crew all;
          for (int i = 0; i < 4; ++i) {
            all.go([&] {
              const std::scoped_lock hold(mu);
              runtime::gosched();
              ++had;
            });
          }
          CHECK(await_parked(wait_reason::mutex_lock, 4));
          mu.unlock();
          all.join();
          CHECK(had == 4);
        },
        {.procs = 2});
  }
}

PLAIN_TEST("an rw_mutex that was unlocked as main returned is free, whoever was woken or handed it") {
  enum { writers = 1, readers = 2 };
  for (int round = 0; round < support::scale(60); ++round) {
    const int who = round % 3 + 1;
    sync::rw_mutex rw;
    run(
        [&] {
          rw.lock();
          for (int i = 0; i < 3; ++i) {
            if ((who & writers) != 0) {
              go([&] {
                rw.lock();
                rw.unlock();
              });
            }
            if ((who & readers) != 0) {
              go([&] {
                rw.lock_shared();
                rw.unlock_shared();
              });
            }
          }
          if ((who & writers) != 0) {
            CHECK(await_parked(wait_reason::rw_mutex_lock, 3));
          }
          if ((who & readers) != 0) {
            CHECK(await_parked(wait_reason::rw_mutex_rlock, 3));
          }
          if (who == writers && round % 2 == 0) {
            rw.unlock();
            rw.lock();
            runtime::gosched();  // who was woken is owed it from now on
            rw.unlock();
          } else if (who == readers && round % 2 == 0) {
            rw.unlock();
            rw.lock_shared();  // beside those that were handed it
            rw.unlock_shared();
          } else {
            rw.unlock();
          }
        },
        {.procs = 1});
    run(
        [&] {
          if (round % 4 < 2) {
            CHECK(rw.try_lock());
          } else {
            CHECK(rw.try_lock_shared());
            rw.unlock_shared();
            CHECK(rw.try_lock_for(support::patience));
          }
          std::atomic<int> had = 0;
          support::crew all;
          for (int i = 0; i < 4; ++i) {
            all.go([&] {
              const std::scoped_lock hold(rw);
              runtime::gosched();
              ++had;
            });
            all.go([&] {
              const std::shared_lock hold(rw);
              runtime::gosched();
              ++had;
            });
          }
          CHECK(await_parked(wait_reason::rw_mutex_lock, 4));
          CHECK(await_parked(wait_reason::rw_mutex_rlock, 4));
          rw.unlock();
          all.join();
          CHECK(had == 8);
        },
        {.procs = 2});
  }
}

PLAIN_TEST("an rw_mutex that a thread holds over the end of a run is still its own") {
  sync::rw_mutex rw;
  for (const bool shared : {false, true}) {
    shared ? rw.lock_shared() : rw.lock();
    run(
        [&] {
          for (int i = 0; i < 2; ++i) {
            go([&] { rw.lock(); });
          }
          CHECK(await_parked(wait_reason::rw_mutex_lock, 2));
        },
        {.procs = 1});
    run([&] { CHECK(!rw.try_lock()); });
    shared ? rw.unlock_shared() : rw.unlock();
    run([&] {
      CHECK(rw.try_lock_for(support::patience));
      rw.unlock();
    });
  }
}

PLAIN_TEST("a semaphore forgets abandoned waiters, and has what they were granted") {
  run_each([](auto in_run) {
    semaphore::weighted sem(2);
    in_run([&] {
      CHECK(!sem.acquire(context::background(), 2));
      go([&] { static_cast<void>(sem.acquire(context::background(), 1)); });
      CHECK(await_parked(wait_reason::cond_wait, 1));
      go([&] { static_cast<void>(sem.acquire(context::background(), 2)); });  // keeps those behind it waiting
      CHECK(await_parked(wait_reason::cond_wait, 2));
      sem.release(1);  // granted; whether it still runs is open
    });
    in_run([&] {
      // The first fiber may have had the token: then it is one that an abandoned fiber holds.
      const bool first_ran = !sem.try_acquire(1);
      if (first_ran) {
        sem.release(1);
        CHECK(sem.try_acquire(1));
      }
      sem.release(1);
      CHECK(sem.try_acquire(1));
    });
  });
}

PLAIN_TEST("a token that was granted as main returned is there again, as its fiber never knew of it") {
  semaphore::weighted sem(1);
  std::atomic<int> ran = 0;
  for (int round = 0; round < 3; ++round) {
    run(
        [&] {
          CHECK(sem.try_acquire(1));
          go([&] {
            static_cast<void>(sem.acquire(context::background(), 1));
            ++ran;
          });
          CHECK(await_parked(wait_reason::cond_wait, 1));
          sem.release(1);
        },
        {.procs = 1});
  }
  run([&] {
    const auto [ctx, cancel] = context::with_timeout(context::background(), support::patience);
    CHECK(!sem.acquire(ctx, 1));
    cancel();
  });
  CHECK(ran == 0);
}

PLAIN_TEST("a cond, a wait group and a once wake those that wait now, not the abandoned") {
  run_each([](auto in_run) {
    sync::cond changed;
    sync::mutex mu;
    sync::wait_group wg;
    std::atomic<int> ran = 0;
    wg.add(1);
    in_run([&] {
      for (int i = 0; i < 2; ++i) {
        go([&] {
          mu.lock();
          changed.wait(mu);
          ++ran;
          mu.unlock();
        });
        go([&] {
          wg.wait();
          ++ran;
        });
      }
      CHECK(await_parked(wait_reason::cond_wait, 2));
      CHECK(await_parked(wait_reason::wait_group_wait, 2));
    });
    in_run([&] {
      std::atomic<int> now = 0;
      support::crew all;
      all.go([&] {
        mu.lock();
        changed.wait(mu);
        mu.unlock();
        ++now;
      });
      all.go([&] {
        wg.wait();
        ++now;
      });
      CHECK(await_parked(wait_reason::cond_wait, 1));
      CHECK(await_parked(wait_reason::wait_group_wait, 1));
      {
        const std::scoped_lock hold(mu);
        changed.signal();  // one: for the one that is there
      }
      wg.done();
      all.join();
      CHECK(now == 2);
    });
    CHECK(ran == 0);
  });
}

PLAIN_TEST("a listener and a connection serve a later run, though fibers of an earlier one still wait for them") {
  for (const int procs : {1, 2, 8}) {
    std::atomic<int> ran = 0;
    net::listener l;
    net::conn here, there;
    run(
        [&] {
          l = net::listen("tcp", "127.0.0.1:0").first;
          sync::wait_group met;
          met.go([&] { there = l.accept().first; });
          here = net::dial("tcp", l.addr().text()).first;
          met.wait();
          CHECK(there);
          for (int i = 0; i < 2; ++i) {
            go([&, l] {
              static_cast<void>(l.accept());
              ++ran;
            });
          }
          go([&, there] {
            char room[8];
            static_cast<void>(there.read(room));
            ++ran;
          });
          CHECK(await_parked(wait_reason::io_wait, 2));
          CHECK(await_parked(wait_reason::semacquire, 1));
        },
        {.procs = procs});
    run(
        [&] {
          support::crew all;
          net::conn accepted, dialled;
          all.go([&] { accepted = l.accept().first; });
          all.go([&] { dialled = net::dial("tcp", l.addr().text()).first; });
          all.join();
          CHECK(accepted);
          char room[8];
          all.go([&] { CHECK(accepted.read(room).first == 5); });
          CHECK(!dialled.write("hello").second);
          all.join();
          l.close();
          accepted.close();
          dialled.close();
          here.close();
          there.close();
        },
        {.procs = procs});
    CHECK(ran == 0);
  }
}

PLAIN_TEST("a connection's reads that a plain thread handed on as main returned are served in the next run") {
  net::conn here, there;
  std::thread reader;
  std::atomic<bool> has_read = false;
  run(
      [&] {
        const net::listener l = net::listen("tcp", "127.0.0.1:0").first;
        here = net::dial("tcp", l.addr().text()).first;
        there = l.accept().first;
        l.close();
        const int before = sleeping_threads();
        const auto late = time::now() + 50ms;
        CHECK(!there.set_read_deadline(late));
        reader = std::thread([&, from = there] {
          char room[1];
          CHECK(from.read(room).second.timeout());  // nobody has to wake it for that
          has_read = true;
        });
        CHECK(eventually([&] { return sleeping_threads() == before + 1; }));
        go([from = there] {
          char room[1];
          static_cast<void>(from.read(room));
        });
        CHECK(await_parked(wait_reason::semacquire, 1));
        time::sleep_until(late - 1ms);
        while (!has_read) {  // gives no other fiber a turn
        }
      },
      {.procs = 1});
  reader.join();
  run([&] {
    CHECK(!there.set_read_deadline(nullptr));
    CHECK(here.write("b").first == 1);
    char room[1];
    const auto [ctx, cancel] = context::with_timeout(context::background(), support::patience);
    CHECK(there.read(room, ctx).first == 1);
    CHECK(room[0] == 'b');
    cancel();
    here.close();
    there.close();
  });
}

PLAIN_TEST("a pipe serves a later run, though a writer of an earlier one had not got rid of what it offered") {
  run_each([](auto in_run) {
    std::atomic<int> ran = 0;
    net::conn a, b;
    io::pipe_reader from;
    io::pipe_writer to;
    in_run([&] {
      std::tie(a, b) = net::pipe();
      std::tie(from, to) = io::pipe();
      for (int i = 0; i < 2; ++i) {
        go([&, a] {
          static_cast<void>(a.write("lost"));
          ++ran;
        });
        go([&, to] {
          static_cast<void>(to.write("lost"));
          ++ran;
        });
        go([&, a] {
          char room[8];
          static_cast<void>(a.read(room));
          ++ran;
        });
      }
      CHECK(await_parked(wait_reason::io_wait, 6));
      char room[2];
      CHECK(b.read(room).first == 2);
      CHECK(from.read(room).first == 2);
    });
    CHECK(ran == 0);
    in_run([&] {
      char room[8];
      b.set_read_deadline(time::now() + 5ms);
      CHECK(b.read(room).second.timeout());  // nothing is offered
      b.set_read_deadline(nullptr);
      support::crew all;
      all.go([&] { CHECK(a.write("next").first == 4); });
      all.go([&] { CHECK(to.write("next").first == 4); });
      all.go([&] { CHECK(b.write("back").first == 4); });
      CHECK(b.read(room).first == 4);
      CHECK(std::string_view(room, 4) == "next");
      CHECK(from.read(room).first == 4);
      CHECK(std::string_view(room, 4) == "next");
      CHECK(a.read(room).first == 4);
      CHECK(std::string_view(room, 4) == "back");
      all.join();
      for (const net::conn& c : {a, b}) {
        c.close();
      }
    });
  });
}

PLAIN_TEST("a command whose copies were abandoned ends, is waited for and goes away in a later run") {
  run_each([](auto in_run) {
    for (const bool waits : {true, false}) {
      std::optional<os::command> c;
      stuck_writer to;
      in_run([&] {
        c.emplace("sh", "-c", "echo hello; exec sleep 1000");
        c->out = &to;
        CHECK(c->start() == nil);
        CHECK(eventually([&] { return to.got > 0; }));
      });
      CHECK(to.got == 6);
      in_run([&] {
        if (waits) {
          CHECK(!c->kill());
          const error err = c->wait();
          CHECK(err.text() == "signal: killed");
        }
        c.reset();
      });
    }
  });
}
