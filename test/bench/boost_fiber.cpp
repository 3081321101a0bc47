// The same work on Boost.Fiber, for the rows that it can run: a neighbour to be measured against.
// usage: boost_fiber ROW WORKERS [SIZE]; prints like micro. `boost_fiber list` names the rows.
// Stacks of 16 KiB from malloc; round robin on one thread, its own work stealing on more.
#include <malloc.h>
#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "measure.hpp"

namespace {

namespace fibers = boost::fibers;
using bench::nanoseconds_since;

template <class F>
void start_fiber(F f) {
  fibers::fixedsize_stack stack(16 << 10);
  fibers::fiber(std::allocator_arg, stack, std::move(f)).detach();
}

// Counts down to zero once.
class countdown {
 public:
  explicit countdown(long n) : left_(n) {}
  void done() {
    if (left_.fetch_sub(1) == 1) {
      const std::lock_guard lock(guard_);
      over_ = true;
      zero_.notify_all();
    }
  }
  void wait() {
    std::unique_lock lock(guard_);
    zero_.wait(lock, [this] { return over_; });
  }

 private:
  std::atomic<long> left_;
  fibers::mutex guard_;
  fibers::condition_variable zero_;
  bool over_ = false;
};

double yield(long rounds) {
  countdown over(2);
  const auto start = bench::clock::now();
  for (int i = 0; i < 2; ++i) {
    start_fiber([&over, rounds] {
      for (long r = 0; r < rounds; ++r) {
        boost::this_fiber::yield();
      }
      over.done();
    });
  }
  over.wait();
  return nanoseconds_since(start) / (2 * static_cast<double>(rounds));
}

double spawn_batch(long count) {
  constexpr long batch = 1000;
  const long batches = (count + batch - 1) / batch;
  const auto start = bench::clock::now();
  for (long i = 0; i < batches; ++i) {
    countdown over(batch);
    for (long k = 0; k < batch; ++k) {
      start_fiber([&over] { over.done(); });
    }
    over.wait();
  }
  return nanoseconds_since(start) / static_cast<double>(batches * batch);
}

double pingpong(long rounds) {
  fibers::unbuffered_channel<int> to, back;
  countdown over(2);
  const auto start = bench::clock::now();
  start_fiber([&, rounds] {
    for (long r = 0; r < rounds; ++r) {
      back.push(to.value_pop());
    }
    over.done();
  });
  start_fiber([&, rounds] {
    for (long r = 0; r < rounds; ++r) {
      to.push(static_cast<int>(r));
      back.value_pop();
    }
    over.done();
  });
  over.wait();
  return nanoseconds_since(start) / static_cast<double>(rounds);
}

double buffered(long values, int sides) {
  fibers::buffered_channel<int> ch(128);
  const long each = values / sides;
  countdown sent(sides), drained(sides);
  const auto start = bench::clock::now();
  for (int i = 0; i < sides; ++i) {
    start_fiber([&, each] {
      for (long v = 0; v < each; ++v) {
        ch.push(static_cast<int>(v));
      }
      sent.done();
    });
    start_fiber([&] {
      int v = 0;
      while (ch.pop(v) == fibers::channel_op_status::success) {
      }
      drained.done();
    });
  }
  sent.wait();
  ch.close();
  drained.wait();
  return nanoseconds_since(start) / static_cast<double>(each * sides);
}

double mutex_uncontended(long rounds) {
  fibers::mutex mu;
  const auto start = bench::clock::now();
  for (long r = 0; r < rounds; ++r) {
    mu.lock();
    mu.unlock();
  }
  return nanoseconds_since(start) / static_cast<double>(rounds);
}

double hundred(long rounds, bool yields) {
  constexpr int count = 100;
  fibers::mutex mu;
  countdown over(count);
  const auto start = bench::clock::now();
  for (int i = 0; i < count; ++i) {
    start_fiber([&, rounds, yields] {
      for (long r = 0; r < rounds; ++r) {
        mu.lock();
        if (yields && r % 16 == 0) {
          boost::this_fiber::yield();
        }
        mu.unlock();
      }
      over.done();
    });
  }
  over.wait();
  return nanoseconds_since(start) / static_cast<double>(count * rounds);
}

struct row {
  const char* name;
  const char* unit;
  long size;
  long warm;
  double (*measure)(long size);
};

constexpr row rows[] = {
    {"yield", "ns/switch", 5'000'000, 500'000, yield},
    {"spawn_batch", "ns/fiber", 1'000'000, 100'000, spawn_batch},
    {"pingpong", "ns/trip", 1'000'000, 100'000, pingpong},
    {"buffered11", "ns/value", 4'000'000, 400'000, [](long n) { return buffered(n, 1); }},
    {"buffered44", "ns/value", 4'000'000, 400'000, [](long n) { return buffered(n, 4); }},
    {"mutex_uncontended", "ns/pair", 20'000'000, 1'000'000, mutex_uncontended},
    {"mutex_100x10k", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, false); }},
    {"mutex_holder_yields", "ns/pair", 10'000, 1'000, [](long n) { return hundred(n, true); }},
};

// Runs `work` on this thread while workers - 1 others take part.
template <class F>
void on_threads(unsigned workers, F work) {
  if (workers == 1) {
    work();
    return;
  }
  countdown over(1);
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < workers; ++i) {
    others.emplace_back([&over, workers] {
      fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers);
      over.wait();
    });
  }
  fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers);
  work();
  over.done();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
    for (const row& r : rows) {
      std::puts(r.name);
    }
    return 0;
  }
  mallopt(M_TRIM_THRESHOLD, 1 << 30);  // or free() would give the stacks of each batch back to the kernel
  for (const row& r : rows) {
    if (argc >= 3 && std::strcmp(argv[1], r.name) == 0) {
      const int workers = std::atoi(argv[2]);
      const long size = argc > 3 ? std::atol(argv[3]) : r.size;
      if (workers < 1 || size < 1) {
        break;
      }
      on_threads(static_cast<unsigned>(workers), [&] {
        r.measure(r.warm < size ? r.warm : size);
        std::printf("%s %d %.5g %s\n", r.name, workers, r.measure(size), r.unit);
      });
      return 0;
    }
  }
  std::fputs("usage: boost_fiber ROW WORKERS [SIZE], or boost_fiber list for the names of the rows\n", stderr);
  return 2;
}
