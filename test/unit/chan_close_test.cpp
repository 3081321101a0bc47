// Closing a channel (docs/go-semantics.md, CH5 to CH9), and the capacities that no channel has.
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::await_receivers;
using support::await_senders;
using support::eventually;
using support::panic_of;
using support::scale;

FIBER_TEST("CH5: after close come the buffered values with ok, then zero values for ever") {
  auto ch = make_chan<int>(4);
  for (int i = 1; i <= 4; ++i) {
    ch << i;
  }
  close(ch);
  CHECK(len(ch) == 4);
  int v = -1;
  bool ok = ch >> v;
  CHECK(ok);
  CHECK(v == 1);
  CHECK(*ch == 2);
  CHECK(ch.recv() == std::optional(3));
  CHECK(*ch == 4);
  for (int i = 0; i < 3; ++i) {
    v = -1;
    ok = ch >> v;
    CHECK(!ok);
    CHECK(v == 0);
    CHECK(*ch == 0);
    CHECK(ch.recv() == std::nullopt);
    CHECK(*recv_chan<int>(ch) == 0);
  }
  CHECK(len(ch) == 0);
  CHECK(cap(ch) == 4);
}

FIBER_TEST("CH6: close wakes all blocked receivers with the zero value and not ok") {
  for (const int capacity : {0, 3}) {
    auto ch = make_chan<int>(capacity);
    std::atomic<int> zeros = 0, others = 0;
    constexpr int waiting = 16;
    for (int i = 0; i < waiting; ++i) {
      go([&, i] {
        int v = -1;
        bool ok = false;
        if (i % 2 == 0) {
          ok = ch >> v;
        } else {
          v = ch.recv().value_or(0);
        }
        ++(ok || v != 0 ? others : zeros);
      });
    }
    CHECK(await_receivers(ch, waiting));
    CHECK(zeros + others == 0);
    close(ch);
    CHECK(eventually([&] { return zeros + others == waiting; }));
    CHECK(zeros == waiting);
  }
}

FIBER_TEST("CH7: close wakes all blocked senders, each panics, and what is buffered stays") {
  for (const int capacity : {0, 3}) {
    auto ch = make_chan<int>(capacity);
    for (int i = 0; i < capacity; ++i) {
      ch << 10 + i;
    }
    std::atomic<int> panics = 0, others = 0;
    constexpr int waiting = 16;
    for (int i = 0; i < waiting; ++i) {
      go([&] { ++(panic_of([&] { ch << 1; }) == "send on closed channel" ? panics : others); });
    }
    CHECK(await_senders(ch, waiting));
    close(ch);
    CHECK(eventually([&] { return panics + others == waiting; }));
    CHECK(panics == waiting);
    CHECK(len(ch) == capacity);
    for (int i = 0; i < capacity; ++i) {
      CHECK(*ch == 10 + i);
    }
    CHECK(ch.recv() == std::nullopt);  // the senders' values are lost
  }
}

FIBER_TEST("CH8: a send on a closed channel panics, full or not, and changes nothing") {
  for (const int capacity : {0, 1, 2}) {
    auto ch = make_chan<int>(capacity);
    if (capacity > 0) {
      ch << 5;
    }
    close(ch);
    CHECK(panic_of([&] { ch << 1; }) == "send on closed channel");
    CHECK(panic_of([&] { ch.send(1); }) == "send on closed channel");
    CHECK(panic_of([&] { send_chan<int>(ch) << 1; }) == "send on closed channel");
    CHECK(len(ch) == (capacity > 0 ? 1 : 0));
    if (capacity > 0) {
      CHECK(*ch == 5);
    }
    CHECK(ch.recv() == std::nullopt);
  }
  auto moments = make_chan<void>(1);
  close(moments);
  CHECK(panic_of([&] { moments.send(); }) == "send on closed channel");
}

FIBER_TEST("CH9: closing twice and closing nil panic") {
  auto ch = make_chan<int>(1);
  close(ch);
  CHECK(panic_of([&] { close(ch); }) == "close of closed channel");
  CHECK(panic_of([&] { ch.close(); }) == "close of closed channel");
  CHECK(panic_of([&] { close(send_chan<int>(ch)); }) == "close of closed channel");
  chan<int> none;
  CHECK(panic_of([&] { close(none); }) == "close of nil channel");
  CHECK(panic_of([&] { send_chan<void>().close(); }) == "close of nil channel");
}

FIBER_TEST("CH9: a negative or absurd capacity panics") {
  struct big {
    char bytes[1 << 20];
  };
  const std::string text = "makechan: size out of range";
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(-1)); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(static_cast<signed char>(-1))); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<void>(-1)); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(std::numeric_limits<long>::min())); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(std::numeric_limits<long>::max())); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(std::numeric_limits<std::uint64_t>::max())); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<int>(std::uint64_t{1} << 62)); }) == text);  // 2^64 bytes
  CHECK(panic_of([] { static_cast<void>(make_chan<big>(std::uint64_t{1} << 44)); }) == text);  // 2^64 bytes
  CHECK(panic_of([] { static_cast<void>(make_chan<big>((std::uint64_t{1} << 44) + 1)); }) == text);
  CHECK(panic_of([] { static_cast<void>(make_chan<char>(std::uint64_t{1} << 60)); }) == text);
  CHECK(cap(make_chan<int>(3)) == 3);  // the runtime goes on
}

FIBER_TEST("of several fibers that close a channel exactly one succeeds") {
  for (int round = 0; round < scale(5000); ++round) {
    auto ch = make_chan<int>(round % 2);
    std::atomic<int> closed = 0, panics = 0;
    constexpr int closers = 4;
    sync::wait_group all;
    all.add(closers);
    for (int i = 0; i < closers; ++i) {
      go([&] {
        const std::string text = panic_of([&] { close(ch); });
        closed += text == "(no panic)";
        panics += text == "close of closed channel";
        all.done();
      });
    }
    all.wait();
    if (closed != 1 || panics != closers - 1) {
      FAIL_CHECK("closed " << closed << " times, " << panics << " panics");
    }
  }
}

FIBER_TEST("a close beside busy senders: what was sent arrives, what panicked does not") {
  for (const int capacity : {0, 1, 10}) {
    for (int round = 0; round < scale(1000); ++round) {
      auto ch = make_chan<int>(capacity);
      std::atomic<int> sent = 0;
      int received = 0;
      sync::wait_group senders;
      constexpr int parties = 4;
      senders.add(parties);
      for (int i = 0; i < parties; ++i) {
        go([&] {
          try {
            for (;;) {
              ch << 1;
              ++sent;
            }
          } catch (const panic_error&) {
          }
          senders.done();
        });
      }
      for (int i = 0; i < 20 + round % 7; ++i) {
        received += *ch;
      }
      close(ch);
      for (int v : ch) {
        received += v;
      }
      senders.wait();
      if (sent != received) {
        FAIL_CHECK("sent " << sent << ", received " << received);
      }
    }
  }
}

FIBER_TEST("a close beside busy receivers: each value arrives once, and every receiver returns") {
  for (int round = 0; round < scale(3000); ++round) {
    auto ch = make_chan<int>(round % 3);
    std::atomic<int> received = 0;
    sync::wait_group receivers;
    constexpr int parties = 4;
    receivers.add(parties);
    for (int i = 0; i < parties; ++i) {
      go([&] {
        while (ch.recv()) {
          ++received;
        }
        receivers.done();
      });
    }
    for (int i = 0; i < 50; ++i) {
      ch << i;
    }
    close(ch);
    receivers.wait();
    if (received != 50) {
      FAIL_CHECK("received " << received);
    }
  }
}
