// The mutex: alone, crowded, and with a holder that gives way; readers and writers; a chain of signals; once.
#include <gossamer/gossamer.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

figure uncontended(long rounds) {
  sync::mutex mu;
  long count = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    mu.lock();
    ++count;
    mu.unlock();
  }
  const double took = nanoseconds_since(start);
  if (count != rounds) {
    panic("mutex: lost count");
  }
  return {took / static_cast<double>(rounds)};
}

// A hundred fibers count under one mutex; with `yields` every 16th time the holder gives way, so that others must park.
figure hundred(long rounds, bool yields) {
  constexpr int fibers = 100;
  sync::mutex mu;
  sync::wait_group over;
  long count = 0;
  over.add(fibers);
  const auto start = clock::now();
  for (int i = 0; i < fibers; ++i) {
    go([&, rounds, yields] {
      for (long r = 0; r < rounds; ++r) {
        mu.lock();
        ++count;
        if (yields && r % 16 == 0) {
          runtime::gosched();
        }
        mu.unlock();
      }
      over.done();
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  if (count != fibers * rounds) {
    panic("mutex: counted " + std::to_string(count));
  }
  return {took / static_cast<double>(fibers * rounds)};
}

// A reader alone.
figure read_alone(long rounds) {
  sync::rw_mutex mu;
  long count = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    mu.lock_shared();
    ++count;
    mu.unlock_shared();
  }
  const double took = nanoseconds_since(start);
  if (count != rounds) {
    panic("rw_mutex: lost count");
  }
  return {took / static_cast<double>(rounds)};
}

// A reader on each worker, all at once.
figure read_together(long rounds) {
  const int fibers = runtime::max_procs();
  sync::rw_mutex mu;
  sync::wait_group over;
  std::vector<long> counts(static_cast<std::size_t>(fibers));
  over.add(fibers);
  const auto start = clock::now();
  for (long& to : counts) {
    go([&, rounds] {
      long count = 0;
      for (long r = 0; r < rounds; ++r) {
        mu.lock_shared();
        ++count;
        mu.unlock_shared();
      }
      to = count;
      over.done();
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  for (const long count : counts) {
    if (count != rounds) {
      panic("rw_mutex: lost count");
    }
  }
  return {took / static_cast<double>(fibers * rounds)};
}

// A hundred fibers share a number; every tenth time each of them changes it.
figure mostly_read(long rounds) {
  constexpr int fibers = 100;
  sync::rw_mutex mu;
  sync::wait_group over;
  long shared = 0;
  over.add(fibers);
  const auto start = clock::now();
  for (int i = 0; i < fibers; ++i) {
    go([&, rounds, i] {
      long seen = 0;
      for (long r = 0; r < rounds; ++r) {
        if ((r + i) % 10 == 0) {
          mu.lock();
          ++shared;
          mu.unlock();
        } else {
          mu.lock_shared();
          if (shared < seen) {
            panic("rw_mutex: went back");
          }
          seen = shared;
          mu.unlock_shared();
        }
      }
      over.done();
    });
  }
  over.wait();
  const double took = nanoseconds_since(start);
  if (shared != fibers * rounds / 10) {
    panic("rw_mutex: counted " + std::to_string(shared));
  }
  return {took / static_cast<double>(fibers * rounds)};
}

// Ten fibers in a ring: each waits for its turn and signals the next one's cond.
figure cond_chain(long rounds) {
  constexpr int fibers = 10;
  struct link {
    sync::mutex mu;
    sync::cond come;
    long turns = 0;  // guarded by mu
  };
  std::vector<link> links(fibers);
  sync::wait_group over;
  const auto pass_to = [](link& to) {
    to.mu.lock();
    ++to.turns;
    to.mu.unlock();
    to.come.signal();
  };
  over.add(fibers);
  const auto start = clock::now();
  for (std::size_t i = 0; i < fibers; ++i) {
    go([&, i, rounds] {
      link& mine = links[i];
      for (long r = 0; r < rounds; ++r) {
        mine.mu.lock();
        while (mine.turns == 0) {
          mine.come.wait(mine.mu);
        }
        --mine.turns;
        mine.mu.unlock();
        pass_to(links[(i + 1) % fibers]);
      }
      over.done();
    });
  }
  pass_to(links[0]);
  over.wait();
  const double took = nanoseconds_since(start);
  return {took / static_cast<double>(fibers * rounds)};
}

// A once whose call is over.
figure once_done(long rounds) {
  sync::once once;
  long count = 0;
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    once.do_([&] { ++count; });
    asm volatile("" : : "r"(&once) : "memory");  // so that it is not looked at once for all
  }
  const double took = nanoseconds_since(start);
  if (count != 1) {
    panic("once: called " + std::to_string(count));
  }
  return {took / static_cast<double>(rounds)};
}

constexpr row rows[] = {
    {"mutex_uncontended", "ns/pair", 20'000'000, 1'000'000, uncontended},
    {"mutex_100x10k", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, false); }},
    {"mutex_holder_yields", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, true); }},
    {"rw_mutex_read", "ns/pair", 20'000'000, 1'000'000, read_alone},
    {"rw_mutex_read_together", "ns/pair", 10'000'000, 1'000'000, read_together},
    {"rw_mutex_10pct_writes", "ns/pair", 10'000, 1'000, mostly_read},
    {"cond_chain", "ns/signal", 100'000, 10'000, cond_chain},
    {"once_done", "ns/call", 100'000'000, 1'000'000, once_done},
};

}  // namespace

std::span<const row> lock_rows() { return rows; }

}  // namespace bench
