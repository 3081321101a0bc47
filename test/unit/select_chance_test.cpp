// SE3, SE6: a select that has to wait chooses as evenly as one that finds several cases ready.
#include <cmath>
#include <cstddef>
#include <thread>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::scale;

namespace {

// Whether each of n outcomes came up as often as chance allows: within 10 standard deviations.
bool is_even(const std::vector<int>& counts) {
  double all = 0;
  for (const int n : counts) {
    all += n;
  }
  const double share = 1 / static_cast<double>(counts.size());
  const double deviation = std::sqrt(all * share * (1 - share));
  for (const int n : counts) {
    if (std::fabs(n - all * share) > 10 * deviation) {
      return false;
    }
  }
  return true;
}

// Who takes (or gives) a value each time that somebody waits for that.
template <class End>
void meet_waiters(const chan<int>& c, int rounds, End end) {
  for (int i = 0; i < rounds; ++i) {
    while (gossamer::detail::access::core(c)->receivers.empty() && gossamer::detail::access::core(c)->senders.empty()) {
      runtime::gosched();
    }
    end(i);
  }
}

// What choose() returns, of so many; the other side waits until choose() does.
template <class Choose, class End>
std::vector<int> choices(std::size_t outcomes, const chan<int>& c, Choose choose, End end) {
  const int rounds = scale(4000);
  std::vector<int> counts(outcomes);
  support::crew other;
  other.go([=] { meet_waiters(c, rounds, end); });
  for (int i = 0; i < rounds; ++i) {
    ++counts[static_cast<std::size_t>(choose())];
  }
  return counts;
}

}  // namespace

FIBER_TEST("SE3: senders that wait in one select, on one channel, are served evenly, and each with its own value") {
  auto c = make_chan<int>();
  const auto two = choices(2, c, [&] { return select(send(c, 0), send(c, 1)); }, [=](int) { c.recv(); });
  CHECK(is_even(two));
  std::vector<int> received(3);
  const int rounds = scale(4000);
  support::crew other;
  other.go([&] { meet_waiters(c, rounds, [&](int) { ++received[static_cast<std::size_t>(*c)]; }); });
  std::vector<int> chosen(3);
  for (int i = 0; i < rounds; ++i) {
    ++chosen[static_cast<std::size_t>(select(send(c, 0), send(c, 1), send(c, 2)).index)];
  }
  other.join();
  CHECK(chosen == received);
  CHECK(is_even(chosen));
}

FIBER_TEST("SE3: receivers that wait in one select, on one channel, are served evenly, wherever its cases stand") {
  auto c = make_chan<int>();
  auto other = make_chan<int>();
  CHECK(is_even(choices(2, c, [&] { return select(recv(c), recv(c)); }, [=](int i) { c << i; })));
  // Not by drawing where to begin: the second would come up twice as often as the first.
  const auto apart = choices(
      5, c, [&] { return select(recv(c), recv(other), recv(other), recv(c), recv(c)).index; }, [=](int i) { c << i; });
  CHECK(apart[1] + apart[2] == 0);
  CHECK(is_even({apart[0], apart[3], apart[4]}));
}

FIBER_TEST("SE3: a close that wakes a select finds any of the channel's cases") {
  std::vector<int> counts(3);
  for (int i = 0; i < scale(1500); ++i) {
    auto c = make_chan<int>();
    support::crew closer;
    closer.go([=] { meet_waiters(c, 1, [&](int) { close(c); }); });
    ++counts[static_cast<std::size_t>(select(recv(c), recv(c), recv(c)).index)];
  }
  CHECK(is_even(counts));
}

FIBER_TEST("SE3, SE12: a select over a range chooses evenly when it waits; sends and receives do not mix") {
  auto c = make_chan<int>();
  std::vector<select_case> sends;
  for (int i = 0; i < 20; ++i) {
    sends.emplace_back(send(c, i));
  }
  const int rounds = scale(4000);
  std::vector<int> counts(20);
  support::crew taker;
  taker.go([=] { meet_waiters(c, rounds, [&](int) { c.recv(); }); });
  for (int i = 0; i < rounds; ++i) {
    const auto at = static_cast<std::size_t>(select(sends).index);
    ++counts[at];
    sends[at] = send(c, 0);
  }
  taker.join();
  CHECK(is_even(counts));
  std::vector<int> mixed(4);
  support::crew both;
  both.go([=] { meet_waiters(c, rounds, [&](int i) { i % 2 == 0 ? static_cast<void>(c.recv()) : c.send(1); }); });
  for (int i = 0; i < rounds; ++i) {
    ++mixed[static_cast<std::size_t>(select(send(c, 1), recv(c), send(c, 1), recv(c)).index)];
  }
  both.join();
  CHECK(mixed[0] + mixed[2] == mixed[1] + mixed[3]);
  CHECK(is_even({mixed[0], mixed[2]}));
  CHECK(is_even({mixed[1], mixed[3]}));
}

FIBER_TEST("SE3: a plain thread's select that waits chooses as evenly") {
  auto c = make_chan<int>();
  std::vector<int> counts(2);
  const int rounds = scale(1500);
  std::thread chooses([&] {
    for (int i = 0; i < rounds; ++i) {
      ++counts[static_cast<std::size_t>(select(send(c, 0), send(c, 1)).index)];
    }
  });
  meet_waiters(c, rounds, [&](int) { c.recv(); });
  runtime::blocking([&] { chooses.join(); });
  CHECK(is_even(counts));
}
