// Channels: who blocks, who is served, and in which order (docs/go-semantics.md, CH1 to CH13).
#include <array>
#include <atomic>
#include <deque>
#include <random>
#include <ranges>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::await_receivers;
using support::await_senders;
using support::eventually;
using support::scale;

namespace {

// What 4 senders x 4 receivers see of a channel of that capacity: the number of values that did not arrive exactly
// once, plus the number that a receiver got out of its sender's order.
int wrong_arrivals(int capacity, int per_sender) {
  constexpr int parties = 4;
  auto ch = make_chan<int>(capacity);
  std::vector<std::atomic<int>> arrivals(static_cast<std::size_t>(parties * per_sender));
  std::atomic<int> disorders = 0;
  sync::wait_group senders, receivers;
  senders.add(parties);
  receivers.add(parties);
  for (int s = 0; s < parties; ++s) {
    go([&, s] {
      for (int i = 0; i < per_sender; ++i) {
        ch << s * per_sender + i;
      }
      senders.done();
    });
    go([&] {
      std::array<int, parties> last;
      last.fill(-1);
      for (int v : ch) {
        ++arrivals[static_cast<std::size_t>(v)];
        int& before = last[static_cast<std::size_t>(v / per_sender)];
        disorders += v <= before;
        before = v;
      }
      receivers.done();
    });
  }
  senders.wait();
  close(ch);
  receivers.wait();
  int wrong = disorders;
  for (const auto& n : arrivals) {
    wrong += n != 1;
  }
  return wrong;
}

}  // namespace

FIBER_TEST("CH1: a receive from an empty channel blocks until a value is sent") {
  for (const int capacity : {0, 1, 3}) {
    auto ch = make_chan<int>(capacity);
    std::atomic<int> got = 0;
    go([&] { got = *ch; });
    CHECK(await_receivers(ch, 1));
    CHECK(got == 0);
    ch << 7;
    CHECK(eventually([&] { return got != 0; }));
    CHECK(got == 7);
  }
}

FIBER_TEST("CH1: a channel of capacity N takes N sends and blocks the next") {
  for (const int capacity : {0, 1, 2, 7}) {
    auto ch = make_chan<int>(capacity);
    std::atomic<int> sent = 0;
    support::crew sender;
    sender.go([&] {
      for (int i = 0; i <= capacity; ++i) {
        ch << i;
        ++sent;
      }
    });
    CHECK(await_senders(ch, 1));
    CHECK(sent == capacity);
    CHECK(len(ch) == capacity);
    CHECK(*ch == 0);
    CHECK(eventually([&] { return sent == capacity + 1; }));
    for (int i = 1; i <= capacity; ++i) {
      CHECK(*ch == i);
    }
    CHECK(len(ch) == 0);
  }
}

FIBER_TEST("CH3: one sender's values arrive in its order") {
  for (const int capacity : {0, 1, 2, 10, 128}) {
    auto ch = make_chan<int>(capacity);
    const int count = scale(30'000);
    go([=] {
      for (int i = 0; i < count; ++i) {
        ch << i;
      }
      close(ch);
    });
    int next = 0, wrong = 0;
    for (int v : ch) {
      wrong += v != next++;
    }
    CHECK(next == count);
    CHECK(wrong == 0);
  }
}

FIBER_TEST("CH3: with 4 senders and 4 receivers every value arrives exactly once, at every capacity from 0 to 200") {
  for (int capacity = 0; capacity <= 200; capacity += capacity < 4 ? 1 : scale(20) >= 20 ? 1 : 28) {
    const int wrong = wrong_arrivals(capacity, scale(1000));
    if (wrong != 0) {
      FAIL_CHECK("capacity " << capacity << ": " << wrong << " values lost, repeated or out of order");
    }
  }
}

FIBER_TEST("CH4: len and cap are exact, and 0 for nil") {
  auto ch = make_chan<int>(5);
  CHECK(cap(ch) == 5);
  for (int i = 0; i < 5; ++i) {
    CHECK(len(ch) == i);
    CHECK(ch.len() == i);
    ch << i;
  }
  CHECK(len(ch) == 5);
  ch.recv();
  CHECK(len(ch) == 4);
  CHECK(len(recv_chan<int>(ch)) == 4);
  CHECK(cap(send_chan<int>(ch)) == 5);
  CHECK(ch.cap() == 5);
  CHECK(len(make_chan<int>()) == 0);
  CHECK(cap(make_chan<int>()) == 0);
  chan<int> none;
  CHECK(len(none) == 0);
  CHECK(cap(none) == 0);
  CHECK(recv_chan<int>().cap() == 0);
  CHECK(send_chan<int>(nil).len() == 0);
}

FIBER_TEST("CH4: blocked senders do not count in len") {
  for (const int capacity : {0, 2}) {
    auto ch = make_chan<int>(capacity);
    for (int i = 0; i < capacity + 3; ++i) {
      go([=] { ch << i; });
    }
    CHECK(await_senders(ch, 3));
    CHECK(len(ch) == capacity);
    for (int i = 0; i < capacity + 3; ++i) {
      ch.recv();
    }
    CHECK(len(ch) == 0);
  }
}

CHILD_PROGRAM("nil channels") {
  return run([] {
    chan<int> none;
    std::atomic<int> returned = 0;
    go([&] { *none, ++returned; });
    go([&] { none << 1, ++returned; });
    go([&] { none.recv(), ++returned; });
    go([&] { send_chan<int>() << 1, ++returned; });
    const bool blocked =
        support::await_parked(wait_reason::chan_receive_nil, 2) && support::await_parked(wait_reason::chan_send_nil, 2);
    for (int i = 0; i < 1000; ++i) {
      runtime::gosched();
    }
    return blocked && returned == 0 ? 42 : 1;
  });
}
PLAIN_TEST("CH10: a send to and a receive from a nil channel block for ever") {
  CHECK(support::run_child("nil channels").exited_with(42));
}

FIBER_TEST("CH11: a waiting receiver gets the value directly, not by way of the buffer") {
  auto ch = make_chan<int>(4);
  std::atomic<int> got = 0;
  go([&] { got = *ch; });
  CHECK(await_receivers(ch, 1));
  ch << 1;
  CHECK(len(ch) == 0);
  ch << 2;
  CHECK(len(ch) == 1);
  CHECK(eventually([&] { return got == 1; }));
  CHECK(*ch == 2);
}

FIBER_TEST("CH12: blocked receivers are served in the order in which they came") {
  constexpr int waiting = 20;
  for (const int capacity : {0, 2}) {
    auto ch = make_chan<int>(capacity);
    std::array<std::atomic<int>, waiting> got{};
    for (int i = 0; i < waiting; ++i) {
      go([&, i] { got[static_cast<std::size_t>(i)] = *ch; });
      CHECK(await_receivers(ch, i + 1));
    }
    for (int i = 0; i < waiting; ++i) {
      ch << 100 + i;
    }
    for (int i = 0; i < waiting; ++i) {
      CHECK(eventually([&] { return got[static_cast<std::size_t>(i)] == 100 + i; }));
    }
  }
}

FIBER_TEST("CH12: blocked senders are served in the order in which they came") {
  constexpr int waiting = 20;
  for (const int capacity : {0, 3}) {
    auto ch = make_chan<int>(capacity);
    for (int i = 0; i < capacity; ++i) {
      ch << i;
    }
    for (int i = 0; i < waiting; ++i) {
      go([=] { ch << capacity + i; });
      CHECK(await_senders(ch, i + 1));
    }
    for (int i = 0; i < capacity + waiting; ++i) {
      CHECK(*ch == i);
    }
  }
}

FIBER_TEST("CH13: a receive from a full buffer takes the head, and a blocked sender's value joins the tail") {
  auto ch = make_chan<int>(2);
  ch << 1;
  ch << 2;
  std::atomic<bool> released = false;
  go([&] {
    ch << 3;
    released = true;
  });
  CHECK(await_senders(ch, 1));
  CHECK(!released);
  CHECK(*ch == 1);
  CHECK(len(ch) == 2);  // before the sender has run
  CHECK(eventually([&] { return released.load(); }));
  CHECK(*ch == 2);
  CHECK(*ch == 3);
}

FIBER_TEST("CH13: the buffer keeps its order while blocked senders move through it many times") {
  auto ch = make_chan<int>(3);
  const int count = scale(10'000);
  go([=] {
    for (int i = 0; i < count; ++i) {
      ch << i;
    }
  });
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    if (i % 3 == 0 && i + 4 <= count) {
      CHECK(await_senders(ch, 1));
    }
    wrong += *ch != i;
  }
  CHECK(wrong == 0);
}

FIBER_TEST("a buffer behaves as a queue, however it wraps round") {
  std::mt19937 random(7);
  for (const int capacity : {1, 2, 3, 5, 8, 31}) {
    auto ch = make_chan<int>(capacity);
    std::deque<int> model;
    int next = 0, wrong = 0;
    for (int step = 0; step < scale(20'000); ++step) {
      const bool full = static_cast<int>(model.size()) == capacity;
      if (!full && (model.empty() || random() % 2 == 0)) {
        model.push_back(next);
        ch << next++;
      } else {
        wrong += *ch != model.front();
        model.pop_front();
      }
      wrong += len(ch) != static_cast<std::ptrdiff_t>(model.size());
    }
    CHECK(wrong == 0);
  }
}

FIBER_TEST("every way to send and to receive is the same send and receive") {
  auto ch = make_chan<int>(8);
  const recv_chan<int> in = ch;
  const send_chan<int> out = ch;
  ch << 1;
  ch.send(2);
  out << 3;
  out.send(4);
  const int from_lvalue = 5;
  ch << from_lvalue;
  ch << 6;
  ch << 7;
  CHECK(*ch == 1);
  CHECK(ch.recv() == std::optional(2));
  CHECK(*in == 3);
  CHECK(in.recv() == std::optional(4));
  int v = 0;
  bool ok = ch >> v;
  CHECK(ok);
  CHECK(v == 5);
  ok = in >> v;
  CHECK(ok);
  CHECK(v == 6);
  if (ch >> v) {
    CHECK(v == 7);
  } else {
    FAIL_CHECK("a value was there");
  }
  static_assert(std::is_void_v<decltype(ch << 1)>);
  static_assert(!std::is_convertible_v<decltype(ch >> v), int>);
}

FIBER_TEST("a range-for receives until the channel is closed and drained") {
  for (const int capacity : {0, 1, 16}) {
    auto ch = make_chan<int>(capacity);
    go([=] {
      for (int i = 1; i <= 10; ++i) {
        ch << i;
      }
      close(ch);
    });
    int sum = 0, rounds = 0;
    for (int v : ch) {
      sum += v;
      ++rounds;
    }
    CHECK(sum == 55);
    CHECK(rounds == 10);
    for ([[maybe_unused]] int v : recv_chan<int>(ch)) {
      FAIL_CHECK("a closed and drained channel has no values");
    }
  }
}

FIBER_TEST("a loop that is left early has taken only the values that it saw") {
  auto ch = make_chan<int>(4);
  for (int i = 1; i <= 4; ++i) {
    ch << i;
  }
  for (int v : ch) {
    if (v == 2) {
      break;
    }
  }
  CHECK(len(ch) == 2);
  CHECK(*ch == 3);
}

FIBER_TEST("a channel is an input range") {
  static_assert(std::ranges::input_range<const chan<int>>);
  static_assert(std::ranges::input_range<const recv_chan<int>>);
  auto ch = make_chan<int>(10);
  for (int i = 1; i <= 10; ++i) {
    ch << i;
  }
  close(ch);
  int sum = 0;
  for (int v : ch | std::views::filter([](int n) { return n % 2 == 0; })) {
    sum += v;
  }
  CHECK(sum == 30);
}

FIBER_TEST("a chan<void> carries moments") {
  static_assert(std::is_same_v<chan<void>::value_type, unit>);
  static_assert(std::is_same_v<decltype(chan<void>().recv()), bool>);
  auto ch = make_chan<void>();
  std::atomic<int> sent = 0;
  go([&] {
    for (int i = 0; i < 3; ++i) {
      ch.send();
      ++sent;
    }
    close(ch);
  });
  CHECK(await_senders(ch, 1));
  CHECK(sent == 0);
  CHECK(ch.recv());
  unit u;
  const bool ok = ch >> u;
  CHECK(ok);
  CHECK(recv_chan<void>(ch).recv());
  CHECK(!ch.recv());
  CHECK(sent == 3);

  auto buffered = make_chan<void>(3);
  buffered.send();
  buffered << unit();
  send_chan<void>(buffered).send();
  CHECK(len(buffered) == 3);
  close(buffered);
  int rounds = 0;
  for ([[maybe_unused]] unit each : buffered) {
    ++rounds;
  }
  CHECK(rounds == 3);
}

FIBER_TEST("make_chan takes any integral") {
  CHECK(cap(make_chan<int>(short{3})) == 3);
  CHECK(cap(make_chan<int>(3U)) == 3);
  CHECK(cap(make_chan<int>(std::size_t{3})) == 3);
  CHECK(cap(make_chan<int>(static_cast<signed char>(100))) == 100);
  CHECK(cap(make_chan<void>(std::uint64_t{1} << 40)) == std::ptrdiff_t{1} << 40);  // units need no room
}

FIBER_TEST("a channel may be received from while another operation on it is in an argument") {
  auto ch = make_chan<int>(2);
  ch << 20;
  ch << *ch + 1;
  CHECK(*ch == 21);
}
