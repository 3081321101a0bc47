// traffic: random channel, mutex, wait-group and sleep traffic, and a watchdog that ends it if anybody stalls.
//
// usage: traffic [SECONDS [WORKERS [SEED [SCENES]]]]
//
// Default: 10 seconds, 8 workers, a seed that is printed (also for 0). With SCENES it goes on until so many have been
// played, however long that takes: `traffic 0 8 0 7000000`.
//
// Actors, which are fibers and a few plain threads, choose one scene after the other at random. No scene can block for
// ever by itself, so an actor that does nothing for 10 s has lost a wake-up. What is sent is counted and added up, and
// must have arrived.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <gossamer/gossamer.hpp>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using namespace gossamer;
using steady = std::chrono::steady_clock;

namespace {

#if GOSSAMER_TSAN || GOSSAMER_ASAN
constexpr auto stall = 40s;
#else
constexpr auto stall = 10s;
#endif

constexpr int fiber_actors = 40;
constexpr int thread_actors = 2;

class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(n)); }
  std::chrono::microseconds moment(int most_us) { return std::chrono::microseconds(below(most_us + 1)); }

 private:
  std::mt19937_64 engine_;
};

// Counted by a fiber or thread alone, read by the watchdog.
struct actor {
  alignas(64) std::atomic<long> scenes{0};
  std::atomic<const char*> doing{"starting"};
  std::atomic<bool> finished{false};
};

struct request {
  int number = 0;
  chan<int> reply;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "traffic: %s\n", what);
  std::fflush(stderr);
  std::abort();
}

// What all actors share.
struct world {
  std::atomic<bool> stop{false};
  std::deque<actor> actors;
  std::array<sync::mutex, 3> mutexes;
  std::array<long, 3> counts{};  // each guarded by its mutex
  std::atomic<long> locks{0};
  std::array<chan<long>, 4> pipes{make_chan<long>(), make_chan<long>(1), make_chan<long>(8), make_chan<long>(64)};
  std::atomic<long> sent{0}, sent_sum{0}, received{0}, received_sum{0};
  chan<request> requests = make_chan<request>(2);
  sync::wait_group consumers;

  world() {
    for (int i = 0; i < fiber_actors + thread_actors; ++i) {
      actors.emplace_back();
    }
  }

  long scenes_played() const {
    long n = 0;
    for (const actor& a : actors) {
      n += a.scenes;
    }
    return n;
  }

  void start_consumers() {
    for (const auto& pipe : pipes) {
      for (int i = 0; i < 2; ++i) {
        consumers.add(1);
        go([this, pipe, d = dice(static_cast<std::uint64_t>(i) + 1)]() mutable {
          for (const long v : pipe) {
            ++received;
            received_sum += v;
            if (d.below(64) == 0) {
              time::sleep(d.moment(100));
            }
          }
          consumers.done();
        });
      }
    }
    for (int i = 0; i < 3; ++i) {
      consumers.add(1);
      go([this] {
        for (const request& r : requests) {
          r.reply << r.number + 1;
        }
        consumers.done();
      });
    }
  }

  void end_consumers() {
    for (const auto& pipe : pipes) {
      close(pipe);
    }
    close(requests);
    consumers.wait();
  }
};

// ---- scenes ---------------------------------------------------------------------------------------------------------

// Values through a pipe that many share.
void send_some(world& w, dice& d) {
  const auto& pipe = w.pipes[static_cast<std::size_t>(d.below(4))];
  for (int i = d.below(20); i >= 0; --i) {
    const long v = d.below(1000);
    ++w.sent;
    w.sent_sum += v;
    pipe << v;
  }
}

// A question to one of a few servers, and its answer.
void ask(world& w, dice& d) {
  const auto reply = make_chan<int>(d.below(2));
  const int n = d.below(1'000'000);
  w.requests << request{n, reply};
  if (*reply != n + 1) {
    fail("a wrong answer");
  }
}

// A channel of one's own, with a few senders; closed by the last of them.
void private_party(world&, dice& d) {
  const auto ch = make_chan<int>(d.below(5));
  const int senders = 1 + d.below(4);
  const int each = d.below(30);
  auto left = std::make_shared<std::atomic<int>>(senders);
  for (int s = 0; s < senders; ++s) {
    go([=] {
      for (int i = 0; i < each; ++i) {
        ch << 1;
      }
      if (left->fetch_sub(1) == 1) {
        close(ch);
      }
    });
  }
  int got = 0;
  for (const int v : ch) {
    got += v;
  }
  if (got != senders * each) {
    fail("a private channel lost or repeated values");
  }
}

// A mutex that many share, by all its ways.
void count_under_lock(world& w, dice& d) {
  const auto which = static_cast<std::size_t>(d.below(3));
  sync::mutex& mu = w.mutexes[which];
  for (int i = d.below(10); i >= 0; --i) {
    const int way = d.below(4);
    if (way == 0 && !mu.try_lock()) {
      continue;
    }
    if (way == 1 && !mu.try_lock_for(d.moment(100))) {
      continue;
    }
    if (way > 1) {
      mu.lock();
    }
    ++w.counts[which];
    if (d.below(16) == 0) {
      runtime::gosched();
    } else if (d.below(64) == 0) {
      time::sleep(d.moment(50));
    }
    mu.unlock();
    ++w.locks;
  }
}

// Children that are waited for, with and without a time-out.
void raise_children(world&, dice& d) {
  sync::wait_group wg;
  std::atomic<int> ran = 0;
  const int children = d.below(12);
  wg.add(children);
  for (int i = 0; i < children; ++i) {
    go([&wg, &ran, nap = d.below(8) == 0 ? d.moment(200) : 0us] {
      if (nap > 0us) {
        time::sleep(nap);
      }
      ++ran;
      wg.done();
    });
  }
  if (d.below(2) == 0) {
    while (!wg.wait_for(d.moment(100))) {
    }
  } else {
    wg.wait();
  }
  if (ran != children) {
    fail("wait returned before the last done");
  }
}

// Several wait for one.
void wait_together(world&, dice& d) {
  auto gate = std::make_shared<sync::wait_group>();
  sync::wait_group passed;
  gate->add(1);
  const int waiters = 1 + d.below(6);
  passed.add(waiters);
  for (int i = 0; i < waiters; ++i) {
    go([&passed, gate, patience = d.moment(100)] {
      while (!gate->wait_for(patience + 1us)) {
      }
      passed.done();
    });
  }
  if (d.below(2) == 0) {
    runtime::gosched();
  }
  gate->done();
  passed.wait();
}

void nap(world&, dice& d) {
  const auto d1 = d.moment(d.below(20) == 0 ? 5000 : 300);
  const auto begin = steady::now();
  time::sleep(d1);
  if (steady::now() - begin < d1) {
    fail("a sleep ended early");
  }
}

void give_way(world&, dice& d) {
  for (int i = d.below(30); i >= 0; --i) {
    runtime::gosched();
  }
}

// Closed under the eyes of those who wait.
void close_on_waiters(world&, dice& d) {
  const auto ch = make_chan<int>();
  sync::wait_group all;
  const int waiters = 1 + d.below(5);
  const bool send = d.below(2) == 0;
  std::atomic<int> right = 0;
  all.add(waiters);
  for (int i = 0; i < waiters; ++i) {
    go([&, ch] {
      if (send) {
        try {
          ch << 1;
        } catch (const panic_error&) {
          ++right;
        }
      } else {
        right += !ch.recv();
      }
      all.done();
    });
  }
  for (int i = d.below(3); i > 0; --i) {
    runtime::gosched();
  }
  close(ch);
  all.wait();
  if (right != waiters) {
    fail("a close did not reach all who waited");
  }
}

struct scene {
  const char* name;
  void (*play)(world&, dice&);
};
constexpr scene scenes[] = {
    {"sending", send_some},
    {"asking", ask},
    {"a private channel", private_party},
    {"locking", count_under_lock},
    {"children", raise_children},
    {"waiting together", wait_together},
    {"sleeping", nap},
    {"yielding", give_way},
    {"closing", close_on_waiters},
};

void act(world& w, actor& me, std::uint64_t seed) {
  dice d(seed);
  while (!w.stop) {
    const scene& s = scenes[static_cast<std::size_t>(d.below(static_cast<int>(std::size(scenes))))];
    me.doing = s.name;
    s.play(w, d);
    ++me.scenes;
  }
  me.finished = true;
}

// ---- the watchdog ---------------------------------------------------------------------------------------------------

void watch(const world& w, const std::atomic<bool>& over) {
  std::vector<long> seen(w.actors.size(), -1);
  std::vector<steady::time_point> since(w.actors.size(), steady::now());
  while (!over) {
    std::this_thread::sleep_for(50ms);
    for (std::size_t i = 0; i < w.actors.size(); ++i) {
      const actor& a = w.actors[i];
      const long n = a.scenes;
      if (n != seen[i] || a.finished) {
        seen[i] = n;
        since[i] = steady::now();
      } else if (steady::now() - since[i] > stall) {
        std::fprintf(stderr, "traffic: %s %zu has been %s for %lld s, after %ld scenes (%d fibers live)\n",
                     i < fiber_actors ? "fiber" : "thread", i, a.doing.load(),
                     static_cast<long long>((steady::now() - since[i]) / 1s), n, runtime::num_fibers());
        fail("stalled");
      }
    }
  }
}

// The end must come too: all fibers that are left when the actors have finished.
void watch_end(const std::atomic<bool>& over) {
  for (const auto limit = steady::now() + 2 * stall; !over; std::this_thread::sleep_for(10ms)) {
    if (steady::now() > limit) {
      fail("the end was not reached");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 10;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 8;
  const std::uint64_t given = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const std::uint64_t seed = given != 0 ? given : std::random_device{}();
  const long least = argc > 4 ? std::atol(argv[4]) : 0;
  std::printf("traffic: %d s, %d workers, seed %llu\n", seconds, workers, static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  std::atomic<bool> actors_done = false, over = false;
  long total = 0;
  std::thread watchdog;
  const int code = run(
      [&] {
        world w;
        watchdog = std::thread([&] {
          watch(w, actors_done);
          watch_end(over);
        });
        w.start_consumers();
        sync::wait_group actors;
        actors.add(fiber_actors + thread_actors);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < w.actors.size(); ++i) {
          const auto play = [&, i] {
            act(w, w.actors[i], seed + i);
            actors.done();
          };
          if (i < fiber_actors) {
            go(play);
          } else {
            threads.emplace_back(play);
          }
        }
        time::sleep(std::chrono::seconds(seconds));
        while (w.scenes_played() < least) {
          time::sleep(10ms);
        }
        w.stop = true;
        actors.wait();
        actors_done = true;
        for (std::thread& t : threads) {
          t.join();
        }
        w.end_consumers();
        total = w.scenes_played();
        long counted = 0;
        for (const long n : w.counts) {
          counted += n;
        }
        if (w.sent != w.received || w.sent_sum != w.received_sum) {
          fail("the pipes lost or repeated values");
        }
        if (counted != w.locks) {
          fail("a mutex let two in");
        }
        for (const auto limit = steady::now() + stall; runtime::num_fibers() > 1;) {
          runtime::gosched();
          if (steady::now() > limit) {
            fail("fibers are left");
          }
        }
        std::printf("traffic: %ld scenes, %ld values, %ld locks\n", total, w.received.load(), w.locks.load());
        over = true;
        watchdog.join();
      },
      {.procs = workers, .seed = seed});
  return code != 0 || total == 0 ? 1 : 0;
}
