// What happens before what (docs/go-semantics.md, CH23). The data here is plain: the values are checked in every build,
// and the thread sanitizer reports each edge that is missing.
#include <array>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using support::scale;

namespace {

// Runs body(round, wrong) so many times and checks that nothing was wrong.
template <class Body>
void rounds(int count, Body body) {
  int wrong = 0;
  for (int round = 0; round < scale(count); ++round) {
    body(round, wrong);
  }
  CHECK(wrong == 0);
}

}  // namespace

FIBER_TEST("CH23: a send happens before its receive completes, at every capacity") {
  for (const int capacity : {0, 1, 5}) {
    rounds(10'000, [&](int round, int& wrong) {
      int data = -1;
      auto ch = make_chan<int>(capacity);
      go([&data, ch, round] {
        data = round;
        ch << 1;
      });
      ch.recv();
      wrong += data != round;
    });
  }
}

FIBER_TEST("CH23: close happens before a receive that finds the channel closed") {
  rounds(10'000, [](int round, int& wrong) {
    int data = -1;
    auto ch = make_chan<int>(round % 3);
    go([&data, ch, round] {
      data = round;
      close(ch);
    });
    ch.recv();
    wrong += data != round;
  });
}

FIBER_TEST("CH23: a receive from an unbuffered channel happens before its send completes") {
  rounds(10'000, [](int round, int& wrong) {
    int data = -1;
    auto ch = make_chan<int>();
    go([&data, ch, round] {
      data = round;
      ch.recv();
    });
    ch << 1;
    wrong += data != round;
  });
}

FIBER_TEST("CH23: the k-th receive happens before the (k+C)-th send completes") {
  // So a channel of capacity C is a semaphore: at most C fibers are in the section, and C = 1 is a mutex.
  auto slots = make_chan<void>(1);
  long count = 0;  // guarded by slots
  sync::wait_group all;
  constexpr int fibers = 4;
  const int turns = scale(10'000);
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&] {
      for (int n = 0; n < turns; ++n) {
        slots.send();
        ++count;
        slots.recv();
      }
      all.done();
    });
  }
  all.wait();
  CHECK(count == static_cast<long>(fibers) * turns);
}

FIBER_TEST("CH23: the k-th receive happens before the (k+C)-th send completes, for C above 1") {
  for (const std::size_t capacity : {std::size_t{2}, std::size_t{3}}) {
    auto ch = make_chan<std::size_t>(capacity);
    const auto count = static_cast<std::size_t>(scale(20'000));
    // The receiver writes cell k before it receives for the k-th time; the sender reads it after its (k + C)-th send.
    std::vector<std::size_t> cells(count, 0);
    int wrong = 0;
    sync::wait_group sender;
    sender.add(1);
    go([&] {
      for (std::size_t k = 0; k < count; ++k) {
        ch << k;
        if (k >= capacity) {
          wrong += cells[k - capacity] != k - capacity + 1;
        }
      }
      sender.done();
    });
    for (std::size_t k = 0; k < count; ++k) {
      cells[k] = k + 1;
      ch.recv();
    }
    sender.wait();
    CHECK(wrong == 0);
  }
}

FIBER_TEST("CH23: go happens before the fiber starts") {
  rounds(20'000, [](int round, int& wrong) {
    std::array<int, 4> data;
    data.fill(round);
    auto result = make_chan<bool>();
    go([&data, result, round] { result << (data[0] == round && data[3] == round); });
    wrong += !*result;
  });
}

FIBER_TEST("everything before the last done happens before wait returns") {
  rounds(5000, [](int round, int& wrong) {
    std::array<int, 6> data{};
    sync::wait_group wg;
    wg.add(6);
    for (int& d : data) {
      go([&d, &wg, round] {
        d = round;
        wg.done();
      });
    }
    wg.wait();
    for (const int d : data) {
      wrong += d != round;
    }
  });
}

FIBER_TEST("everything before the last done happens before a timed wait returns true") {
  rounds(5000, [](int round, int& wrong) {
    int data = -1;
    sync::wait_group wg;
    wg.add(1);
    go([&, round] {
      data = round;
      wg.done();
    });
    while (!wg.wait_for(std::chrono::microseconds(round % 5))) {
    }
    wrong += data != round;
  });
}

FIBER_TEST("unlock happens before the next lock, by every way to lock") {
  sync::mutex mu;
  std::array<long, 8> data{};  // guarded by mu
  int wrong = 0;               // guarded by mu
  sync::wait_group all;
  constexpr int fibers = 6;
  const int turns = scale(10'000);
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; n < turns; ++n) {
        if (i % 3 == 0) {
          mu.lock();
        } else if (i % 3 == 1) {
          while (!mu.try_lock()) {
            runtime::gosched();
          }
        } else {
          while (!mu.try_lock_for(20us)) {
          }
        }
        for (const long d : data) {
          wrong += d != data[0];
        }
        for (long& d : data) {
          ++d;
        }
        if (n % 32 == i) {
          runtime::gosched();
        }
        mu.unlock();
      }
      all.done();
    });
  }
  all.wait();
  CHECK(wrong == 0);
  CHECK(data[0] == static_cast<long>(fibers) * turns);
}

FIBER_TEST("a value that passes through many fibers carries all that happened to it") {
  constexpr int stages = 10;
  struct parcel {
    std::vector<int> stamps;
  };
  auto first = make_chan<parcel*>();
  chan<parcel*> in = first;
  for (int s = 0; s < stages; ++s) {
    auto out = make_chan<parcel*>(s % 3);
    go([=] {
      for (parcel* p : in) {
        p->stamps.push_back(s);  // plain: each stage has it alone
        out << p;
      }
      close(out);
    });
    in = out;
  }
  std::vector<parcel> parcels(static_cast<std::size_t>(scale(5000)));
  go([&parcels, first] {
    for (parcel& p : parcels) {
      first << &p;
    }
    close(first);
  });
  int wrong = 0;
  std::size_t arrived = 0;
  for (const parcel* p : in) {
    ++arrived;
    wrong += p->stamps.size() != stages || p->stamps.back() != stages - 1;
  }
  CHECK(arrived == parcels.size());
  CHECK(wrong == 0);
}

FIBER_TEST("the edges hold between fibers and plain threads too") {
  rounds(500, [](int round, int& wrong) {
    int data = -1, answer = -1;
    auto there = make_chan<void>(), back = make_chan<void>(round % 2);
    std::thread other([&, there, back] {
      there.recv();
      answer = data + 1;
      back.send();
    });
    data = round;
    there.send();
    back.recv();
    wrong += answer != round + 1;
    other.join();
  });
}
