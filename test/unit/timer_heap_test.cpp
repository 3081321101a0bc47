// The timer heap against the obvious: a multimap of deadlines. Records and tickets are plain memory here.
#include "event/timer_heap.hpp"

#include <array>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/rng.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using detail::deadline;
using event::timer_heap;
using wait::outcome;
using wait::ticket;

namespace {

// A crowd of timers is looked at that much later.
constexpr deadline most_delay = 200'000;

// What the heap should hold, and the heap.
class model {
 public:
  model(std::size_t fibers, bool crowd, std::uint64_t seed)
      : records_(std::make_unique<fiber[]>(fibers)),
        tickets_(fibers),
        where_(fibers),
        delay_(crowd ? most_delay : 0),
        r_(seed) {
    heap_.set_index(7);
    for (std::size_t i = 0; i < fibers; ++i) {
      idle_.push_back(i);
    }
  }

  void step() {
    switch (r_.below(8)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return arm();
      case 4:
      case 5:
        return wake();
      default:
        now_ += r_.below(4) == 0 ? r_.below(1'000'000) : r_.below(20'000);
        return expire();
    }
  }
  // Everything comes to its end.
  void finish() {
    now_ += 1'000'000'000;
    expire();
    wrong += armed_.empty() && heap_.look_at() == detail::no_deadline ? 0 : 1;
  }

  int wrong = 0;
  int fired = 0;

 private:
  using place = std::multimap<deadline, std::size_t>::iterator;

  std::size_t any(std::vector<std::size_t>& from) {
    std::swap(from[r_.below(static_cast<std::uint32_t>(from.size()))], from.back());
    const std::size_t i = from.back();
    from.pop_back();
    return i;
  }

  void arm() {
    if (idle_.empty()) {
      return;
    }
    const std::size_t i = any(idle_);
    tickets_[i].emplace(&records_[i]);
    records_[i].ticket = &*tickets_[i];
    const deadline when = now_ - 1'000 + r_.below(2'000'000);
    heap_.reserve();
    heap_.arm(records_[i], when);
    where_[i] = armed_.emplace(when, i);
    wrong += records_[i].timer_heap == 7 ? 0 : 1;
    look();
  }

  // Something else than time wins; the fiber disarms, at once or after the heap has met the ticket.
  void wake() {
    if (armed_.empty()) {
      return;
    }
    const auto it = std::next(armed_.begin(), static_cast<std::ptrdiff_t>(r_.below(16) % armed_.size()));
    const std::size_t i = it->second;
    wrong += wait::claim(*tickets_[i], outcome::woken) ? 0 : 1;
    armed_.erase(it);
    if (r_.below(4) == 0) {
      expire();
    }
    heap_.disarm(records_[i]);
    wrong += tickets_[i]->result == outcome::woken ? 0 : 1;
    tickets_[i].reset();  // an access from here on is one after its end
    records_[i].ticket = nullptr;
    idle_.push_back(i);
    look();
  }

  void expire() {
    std::array<timer_heap::entry, timer_heap::batch> due;
    const std::size_t most = r_.below(timer_heap::batch) + 1;
    while (heap_.look_at() <= now_) {
      const std::size_t n = heap_.expire(now_, due.data(), most);
      wrong += n <= most ? 0 : 1;
      for (std::size_t k = 0; k < n; ++k) {
        const auto i = static_cast<std::size_t>(&due[k].sleeper() - records_.get());
        // Only what was armed, not before its time, and nothing that was earlier is left.
        wrong += tickets_[i] && tickets_[i]->result == outcome::timed_out ? 0 : 1;
        wrong += where_[i]->first <= now_ && where_[i]->first == armed_.begin()->first ? 0 : 1;
        armed_.erase(where_[i]);
        tickets_[i].reset();
        idle_.push_back(i);
        ++fired;
      }
    }
    wrong += armed_.empty() || armed_.begin()->first + delay_ > now_ ? 0 : 1;
    look();
  }

  void look() {
    const deadline latest = armed_.empty() ? detail::no_deadline : armed_.begin()->first + delay_;
    wrong += heap_.look_at() <= latest ? 0 : 1;
  }

  timer_heap heap_;
  std::unique_ptr<fiber[]> records_;
  std::vector<std::optional<ticket>> tickets_;
  std::multimap<deadline, std::size_t> armed_;
  std::vector<place> where_;  // of each that is armed
  std::vector<std::size_t> idle_;
  deadline delay_;
  deadline now_ = 1'000'000'000;
  base::rng r_;
};

}  // namespace

PLAIN_TEST("a timer heap gives what is due, in order, once, and nothing that was disarmed") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const bool crowd = seed % 2 == 0;
    model m(crowd ? 2000 : 60, crowd, seed);
    for (int i = 0; i < support::scale(40'000); ++i) {
      m.step();
    }
    m.finish();
    CHECK(m.wrong == 0);
    CHECK(m.fired > 0);
  }
}

PLAIN_TEST("a timer heap that is cleared is empty and can be used again") {
  const auto records = std::make_unique<fiber[]>(100);
  std::vector<std::optional<ticket>> tickets(100);
  timer_heap heap;
  std::array<timer_heap::entry, timer_heap::batch> due;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 100; ++i) {
      tickets[i].emplace(&records[i]);
      records[i].ticket = &*tickets[i];
      heap.reserve();
      heap.arm(records[i], 1000 - static_cast<deadline>(i));
    }
    CHECK(heap.look_at() == 901);
    CHECK(heap.expire(900, due.data(), due.size()) == 0);
    CHECK(heap.expire(901, due.data(), due.size()) == 1);
    CHECK(&due[0].sleeper() == &records[99]);
    heap.clear();
    CHECK(heap.look_at() == detail::no_deadline);
    CHECK(heap.expire(5000, due.data(), due.size()) == 0);
  }
}

// Its owner arms, others expire, and who is woken disarms from anywhere.
PLAIN_TEST("a timer of a heap fires once or is disarmed, whoever looks at the heap") {
  constexpr std::size_t fibers = 32;
  const int rounds = support::scale(4000);
  const auto records = std::make_unique<fiber[]>(fibers);
  std::array<std::atomic<int>, fibers> fired{};
  timer_heap heap;
  std::atomic<bool> stop{false};
  const auto look = [&] {
    std::array<timer_heap::entry, timer_heap::batch> due;
    while (!stop) {
      const std::size_t n = heap.expire(detail::now(), due.data(), due.size());
      for (std::size_t k = 0; k < n; ++k) {
        ++fired[static_cast<std::size_t>(&due[k].sleeper() - records.get())];
      }
      std::this_thread::yield();
    }
  };
  std::thread one(look);
  std::thread another(look);
  base::rng r(9);
  int wrong = 0;
  int timed_out = 0;
  for (int round = 0; round < rounds; ++round) {
    std::array<std::optional<ticket>, fibers> tickets;
    for (std::size_t i = 0; i < fibers; ++i) {
      fired[i] = 0;
      tickets[i].emplace(&records[i]);
      records[i].ticket = &*tickets[i];
      heap.reserve();
      heap.arm(records[i], detail::now() + r.below(20'000));
    }
    if (round % 64 == 0) {  // or on a busy machine no timer would ever win
      wrong += support::eventually([&] { return fired[0] == 1; }) ? 0 : 1;
    }
    for (std::size_t i = 0; i < fibers; ++i) {
      if (wait::claim(*tickets[i], outcome::woken)) {
        heap.disarm(records[i]);
        wrong += fired[i] == 0 ? 0 : 1;
      } else {
        wrong += support::eventually([&] { return fired[i] == 1; }) ? 0 : 1;
        ++timed_out;
      }
      tickets[i].reset();
    }
  }
  stop = true;
  one.join();
  another.join();
  CHECK(wrong == 0);
  CHECK(timed_out > 0);
}
