// The timer heap with timers of all distances, which it keeps in a wheel until they are near, against a multimap.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "event/timer_heap.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using detail::deadline;
using event::timer_heap;
using support::scale;
using wait::remains;
using wait::timer_node;

namespace {

// A crowd of timers is looked at that much later.
constexpr deadline most_delay = 500'000;

struct timer : timer_node {
  timer()
      : timer_node([](const timer_node&) noexcept {},
                   [](timer_node&, std::uint32_t, deadline) noexcept -> detail::fiber* { return nullptr; }) {
    references = &held;
  }
  std::atomic<std::size_t> held{1};
  deadline due = 0;  // 0: it is not armed
  std::uint32_t turn = 0;
};

class model {
 public:
  model(std::size_t timers, std::uint64_t seed) : all_(timers), r_(seed) {}

  void step() {
    timer& t = all_[r_.below(static_cast<std::uint32_t>(all_.size()))];
    switch (r_.below(8)) {
      case 0:
        return pass(far_time() / 64);
      case 1:
        return pass(r_.below(100'000));
      case 2:
      case 3:
        return stop(t);
      default:
        return t.due == 0 ? start(t, r_.below(4) == 0) : stop(t);
    }
  }
  void finish() {
    for (timer& t : all_) {
      if (t.period > 0) {
        stop(t);
      }
    }
    while (!armed_.empty()) {
      pass(far_time());
    }
    wrong += heap_.size() == 0 && heap_.look_at() == detail::no_deadline ? 0 : 1;
    for (const timer& t : all_) {
      wrong += t.held == 1 ? 0 : 1;
    }
  }

  int wrong = 0;
  int fired = 0;

 private:
  // Of any size, from 1 us to a fortnight.
  deadline far_time() {
    const unsigned bits = 10 + r_.below(41);
    return static_cast<deadline>((std::uint64_t{r_.below(1u << 16)} << 16 | r_.below(1u << 16)) << 18 >> (50 - bits)) +
           1;
  }

  void start(timer& t, bool again) {
    t.due = now_ + far_time();
    heap_.add(t, now_, t.due, again ? far_time() : 0, ++t.turn);
    armed_.emplace(t.due, &t);
    wrong += heap_.look_at() <= armed_.begin()->first + most_delay ? 0 : 1;
  }
  void stop(timer& t) {
    if (t.due != 0) {
      wrong += heap_.take_out(t) ? 0 : 1;
      forget(t);
    }
    wrong += heap_.take_out(t) ? 1 : 0;
    wrong += heap_.size() == armed_.size() ? 0 : 1;
    wrong += armed_.empty() && heap_.look_at() != detail::no_deadline ? 1 : 0;
  }
  void forget(timer& t) {
    for (auto [it, last] = armed_.equal_range(std::exchange(t.due, 0)); it != last; ++it) {
      if (it->second == &t) {
        armed_.erase(it);
        return;
      }
    }
    ++wrong;
  }

  void pass(deadline d) {
    now_ += d;
    std::array<timer_heap::entry, timer_heap::batch> due;
    deadline before = 0;
    while (heap_.look_at() <= now_) {
      const std::size_t n = heap_.expire(now_, due.data(), due.size());
      for (std::size_t i = 0; i < n; ++i) {
        auto& t = static_cast<timer&>(due[i].timer());
        wrong += due[i].when == t.due && t.due <= now_ && due[i].turn == t.turn && t.due >= before ? 0 : 1;
        before = t.due;
        wrong += t.held.fetch_sub(1) == 2 ? 0 : 1;
        const deadline was = t.due;
        forget(t);
        if (t.period > 0) {
          t.due = was + ((now_ - was) / t.period + 1) * t.period;
          armed_.emplace(t.due, &t);
        }
        ++fired;
      }
    }
    wrong += armed_.empty() || armed_.begin()->first + most_delay > now_ ? 0 : 1;
  }

  timer_heap heap_;
  std::vector<timer> all_;
  std::multimap<deadline, timer*> armed_;
  deadline now_ = 1'000'000'000;
  base::rng r_;
};

std::size_t expire_all(timer_heap& heap, deadline now) {
  std::array<timer_heap::entry, timer_heap::batch> due;
  std::size_t n = 0;
  while (heap.look_at() <= now) {
    n += heap.expire(now, due.data(), due.size());
  }
  return n;
}

}  // namespace

PLAIN_TEST("TI7: timers of all distances fire in due order, once, none early, and none that was taken out") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    model m(seed % 3 == 0 ? 3 : seed % 3 == 1 ? 100 : 6000, seed);
    for (int i = 0; i < scale(20'000); ++i) {
      m.step();
    }
    m.finish();
    CHECK(m.wrong == 0);
    CHECK(m.fired > 0);
  }
}

PLAIN_TEST("a timer that nobody holds stays in its heap only if it is left there, and then fires with a reference") {
  for (const deadline d : {deadline{1'000}, deadline{1'000'000'000}}) {
    timer_heap heap;
    std::array<timer_heap::entry, timer_heap::batch> due;
    timer left;
    heap.add(left, 0, d, 0, 1);
    left.held = 0;
    CHECK(heap.leave(left) == remains::armed);
    CHECK(expire_all(heap, d - 1) == 0);
    CHECK(heap.expire(d, due.data(), due.size()) == 1);
    CHECK(&due[0].timer() == &left);
    CHECK(left.held == 1);
    // One that came up before anybody asked is its owner's; so is what is in no heap.
    timer missed;
    heap.add(missed, 0, d, 0, 1);
    missed.held = 0;
    CHECK(expire_all(heap, d) == 0);
    CHECK(heap.leave(missed) == remains::due);
    CHECK(heap.leave(missed) == remains::nothing);
    heap.add(missed, 0, d, 0, 2);
    CHECK(expire_all(heap, d) == 0);
    CHECK(!heap.take_out(missed));
    CHECK(heap.leave(missed) == remains::nothing);
    heap.add(missed, 0, d, 0, 3);
    heap.clear();
    CHECK(heap.size() == 0);
    CHECK(heap.look_at() == detail::no_deadline);
    CHECK(heap.leave(missed) == remains::nothing);
  }
}

PLAIN_TEST("a heap gives its memory back after a burst of timers, whether they fire or are taken out") {
  const auto count = static_cast<std::size_t>(scale(200'000));
  const auto timers = std::make_unique<timer[]>(count);
  for (const bool fire : {false, true}) {
    timer_heap heap;
    for (std::size_t i = 0; i < count; ++i) {
      heap.add(timers[i], 0, static_cast<deadline>(1 + i * 100'000), 0, 1);
    }
    CHECK(heap.room() > count);
    if (fire) {
      CHECK(expire_all(heap, detail::no_deadline - 1) == count);
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        heap.take_out(timers[i]);
      }
    }
    CHECK(heap.size() == 0);
    CHECK(heap.room() <= 4096);
  }
}

PLAIN_TEST("timers that are put in and taken out for ever do not make a heap grow") {
  timer_heap heap;
  timer stays;
  timer comes;
  heap.add(stays, 0, 1'000'000'000'000, 0, 1);
  for (int i = 0; i < scale(100'000); ++i) {
    heap.add(comes, i * 1000, i * 1000 + 3'600'000'000'000, 0, 1);
    heap.take_out(comes);
  }
  CHECK(heap.size() == 1);
  CHECK(heap.room() <= 64);
  CHECK(heap.take_out(stays));
  CHECK(heap.look_at() == detail::no_deadline);
}
