// select: both forms, and select over a range. Titles quote docs/go-semantics.md.
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;

namespace {

template <class F>
std::string panic_text(F&& f) {
  try {
    f();
  } catch (const panic_error& p) {
    return p.text();
  }
  return "(no panic)";
}

struct immovable_target {  // not default-constructible, move-only
  explicit immovable_target(int n) : value(std::make_unique<int>(n)) {}
  std::unique_ptr<int> value;
};

}  // namespace

FIBER_TEST("select does what is ready, and returns the case's index") {
  auto a = make_chan<int>(1);
  auto b = make_chan<std::string>(1);
  int v = 0;
  bool ok = false;
  a << 7;
  CHECK(select(recv(a, v, ok), recv(b)) == 0);
  CHECK(v == 7);
  CHECK(ok);
  CHECK(select(recv(a, v), send(b, "x")) == 1);
  CHECK(*b == "x");
}

FIBER_TEST("a case's body may be the caller's: it returns, breaks and continues") {
  auto numbers = make_chan<int>(4);
  auto stop = make_chan<void>();
  for (const int n : {1, 2, 3, 4}) {
    numbers << n;
  }
  const auto sum_of_odd_until_3 = [&] {
    int sum = 0;
    for (int v = 0;;) {
      switch (select(recv(numbers, v), recv(stop))) {
        case 0:
          if (v % 2 == 0) {
            continue;
          }
          sum += v;
          if (v == 3) {
            return sum;
          }
          break;
        default:
          return -1;
      }
    }
  };
  CHECK(sum_of_odd_until_3() == 4);
}

FIBER_TEST("a callable gets the value, whether there was one, both, or nothing") {
  auto ch = make_chan<int>(8);
  for (int i = 0; i < 4; ++i) {
    ch << i;
  }
  std::vector<int> seen;
  select(recv(ch, [&](int v) { seen.push_back(v); }));
  select(recv(ch, [&](int v, bool ok) { seen.push_back(ok ? v : -1); }));
  select(recv(ch, [&](std::optional<int> v) { seen.push_back(v.value_or(-1)); }));
  select(recv(ch, [&] { seen.push_back(100); }));
  close(ch);
  select(recv(ch, [&](int v) { seen.push_back(v); }));
  select(recv(ch, [&](auto v, bool ok) { seen.push_back(ok ? v : -2); }));
  select(recv(ch, [&](std::optional<int> v) { seen.push_back(v.value_or(-3)); }));
  CHECK(seen == std::vector<int>{0, 1, 2, 100, 0, -2, -3});
  auto signals = make_chan<void>(1);
  bool got = false;
  signals.send();
  select(recv(signals, [&](bool ok) { got = ok; }));
  CHECK(got);
  select(send(signals, [&] { got = false; }));
  CHECK_FALSE(got);
  select(recv(signals, got));
  CHECK(got);
}

FIBER_TEST("values may be move-only and need no default constructor; a closed channel leaves such a target alone") {
  auto ch = make_chan<immovable_target>(1);
  immovable_target in(5);
  CHECK(select(send(ch, std::ref(in)), otherwise) == 0);
  CHECK(in.value == nullptr);
  std::optional<immovable_target> out;
  CHECK(select(recv(ch, out)) == 0);
  CHECK(*out->value == 5);
  select(send(ch, immovable_target(6)));
  bool ok = false;
  select(recv(ch, *out, ok));
  CHECK(ok);
  CHECK(*out->value == 6);
  close(ch);
  select(recv(ch, *out, ok));
  CHECK_FALSE(ok);
  CHECK(*out->value == 6);
  select(recv(ch, out));
  CHECK_FALSE(out.has_value());
}

FIBER_TEST("an unchosen case keeps its value and can be used again; std::ref moves only if chosen") {
  auto full = make_chan<std::string>();
  auto p = make_chan<std::unique_ptr<int>>();
  auto text = send(full, std::string(100, 'x'));
  auto mine = std::make_unique<int>(3);
  CHECK(select(text, send(p, std::ref(mine)), otherwise) == 2);
  CHECK(mine != nullptr);
  go([full] { CHECK(*full == std::string(100, 'x')); });
  CHECK(select(text) == 0);
}

FIBER_TEST("SE1: cases are evaluated on entry, those of nil channels and unchosen ones too") {
  chan<int> none;
  int evaluated = 0;
  const auto value = [&] { return ++evaluated; };
  CHECK(select(send(none, value()), otherwise) == 1);
  CHECK(evaluated == 1);
}

FIBER_TEST("SE3: the choice among ready cases is uniform") {
  constexpr int trials = 10'000;
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(1);
  auto never = make_chan<int>();
  chan<int> none;
  std::array<int, 5> chosen{};
  for (int i = 0; i < trials; ++i) {
    select(send(a, 1), otherwise);
    select(send(b, 1), otherwise);
    ++chosen[static_cast<std::size_t>(int{select(recv(never), recv(a), recv(none), recv(b), recv(never))})];
  }
  CHECK(chosen[1] + chosen[3] == trials);
  const double sigma = std::sqrt(trials) / 2;
  CHECK(std::abs(chosen[1] - trials / 2) < 10 * sigma);
}

FIBER_TEST("SE4, CH16: the default is chosen only if at one instant nothing was ready") {
  // One of two channels holds a token at any instant: a select of both never takes its default.
  auto a = make_chan<int>(2);
  auto b = make_chan<int>(2);
  a << 1;
  std::atomic<bool> over = false;
  sync::wait_group mover;
  mover.add(1);
  go([&] {
    while (!over) {
      b << 1;
      a.recv();
      a << 1;
      b.recv();
      runtime::gosched();
    }
    mover.done();
  });
  int defaults = 0;
  for (int i = 0; i < scale(20'000); ++i) {
    // A send to one whose buffer has room for all that is sent at the same time is always possible.
    auto room = select(send(a, 2), send(b, 2), otherwise);
    if (room == 2) {
      ++defaults;
    } else {
      (room == 0 ? a : b).recv();
    }
    if (i % 64 == 0) {
      runtime::gosched();
    }
  }
  CHECK(defaults == 0);
  over = true;
  mover.wait();
}

FIBER_TEST("SE5: a send and a receive of one select never match; those of two fibers do") {
  for (const int capacity : {0, 10}) {
    auto ch = make_chan<int>(capacity);
    if (capacity == 0) {
      CHECK(select(send(ch, 1), recv(ch), otherwise) == 2);
    }
    sync::wait_group both;
    std::atomic<int> sent = 0, received = 0;
    both.add(2);
    for (int i = 0; i < 2; ++i) {
      go([&, ch] {
        for (int n = 0; n < scale(2000); ++n) {
          (select(send(ch, n), recv(ch)) == 0 ? sent : received)++;
        }
        both.done();
      });
    }
    both.wait();
    CHECK(sent - received == len(ch));
  }
}

FIBER_TEST("SE6: a channel may stand in several cases") {
  auto ch = make_chan<int>();
  for (int i = 0; i < scale(2000); ++i) {
    go([ch, i] { ch << i; });
    int a = -1, b = -1;
    const int chosen = select(recv(ch, a), recv(ch, b));
    CHECK((chosen == 0 ? a : b) == i);
    CHECK((chosen == 0 ? b : a) == -1);
  }
}

FIBER_TEST("SE7: exactly one case fires, and both ends agree on it") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  const int rounds = scale(support::width() == 1 ? 100'000 : 20'000);
  std::atomic<long> sent = 0;
  sync::wait_group over;
  over.add(4);
  for (int f = 0; f < 4; ++f) {
    go([&, a, b] {
      for (int i = 0; i < rounds / 4; ++i) {
        if (select(send(a, i), send(b, -i - 1)) == 0) {
          sent += i;
        } else {
          sent += -i - 1;
        }
      }
      over.done();
    });
  }
  long received = 0;
  for (int i = 0; i < rounds / 4 * 4; ++i) {
    int x = 0, y = 0;
    received += select(recv(a, x), recv(b, y)) == 0 ? x : y;
    if (x < 0 || y > 0 || (x != 0 && y != 0)) {
      FAIL_CHECK("both cases fired");
    }
  }
  over.wait();
  CHECK(sent == received);
}

FIBER_TEST("SE9: a receive from a closed channel is always ready; a send to one panics when it is chosen") {
  auto closed = make_chan<int>();
  close(closed);
  auto never = make_chan<int>();
  bool ok = true;
  int v = 5;
  CHECK(select(recv(never), recv(closed, v, ok)) == 1);
  CHECK_FALSE(ok);
  CHECK(v == 0);
  CHECK(panic_text([&] { select(recv(never), send(closed, 1)); }) == "send on closed channel");
  CHECK(panic_text([&] { select(send(closed, 1), otherwise); }) == "send on closed channel");
  auto blocked = make_chan<int>();
  auto text = make_chan<std::string>();
  go([=] { text << panic_text([&] { select(recv(never), send(blocked, 1)); }); });
  CHECK(support::await_senders(blocked, 1));
  close(blocked);
  CHECK(*text == "send on closed channel");
}

FIBER_TEST("close wakes a blocked select with the closed case") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  auto result = make_chan<int>();
  go([=] {
    bool ok = true;
    const int chosen = select(recv(a), recv(b, std::ignore, ok));
    result << (ok ? 10 : chosen);
  });
  CHECK(support::await_receivers(b, 1));
  close(b);
  CHECK(*result == 1);
  CHECK(support::length_of(a, &detail::chan_core::receivers) == 0);
}

FIBER_TEST("CH17: withdrawing losers from head, middle and tail leaves the others intact") {
  auto shared = make_chan<int>();
  std::vector<chan<int>> own;
  auto served = make_chan<int>(8);
  for (int i = 0; i < 5; ++i) {
    own.push_back(make_chan<int>());
    go([=, mine = own.back()] {
      int v = 0;
      served << (select(recv(shared, v), recv(mine)) == 0 ? v : -i - 1);
    });
    CHECK(support::await_receivers(shared, i + 1));
  }
  for (const int i : {0, 2, 4}) {
    own[static_cast<std::size_t>(i)] << 0;
    CHECK(*served == -i - 1);
  }
  CHECK(support::length_of(shared, &detail::chan_core::receivers) == 2);
  shared << 1;
  shared << 2;
  CHECK(*served + *served == 3);
}

FIBER_TEST("SE10: blocking selects leave nothing behind") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  go([=] {
    for (int i = 0; i < scale(20'000); ++i) {
      a << i;
    }
    close(a);
  });
  int n = 0;
  for (bool ok = true; ok;) {
    select(recv(a, std::ignore, ok), recv(b));
    n += ok ? 1 : 0;
  }
  CHECK(n == scale(20'000));
  CHECK(support::length_of(b, &detail::chan_core::receivers) == 0);
}

FIBER_TEST("SE12: a select over a range returns the index and whether a value came") {
  std::vector<chan<int>> channels;
  std::vector<select_case> cases;
  std::vector<int> got(100, -1);
  for (std::size_t i = 0; i < 100; ++i) {
    channels.push_back(make_chan<int>());
    cases.emplace_back(recv(channels.back(), got[i]));
  }
  for (int round = 0; round < 3; ++round) {
    go([ch = channels[63]] { ch << 9; });
    const auto [index, ok] = select(cases);
    CHECK(index == 63);
    CHECK(ok);
    CHECK(got[63] == 9);
  }
  close(channels[7]);
  const selected last = select(cases);
  CHECK(last.index == 7);
  CHECK_FALSE(last.ok);
  std::vector<select_case> one;
  one.emplace_back(recv(channels[1]));
  bool defaulted = false;
  one.emplace_back(otherwise([&] { defaulted = true; }));
  CHECK(select(one).index == 1);
  CHECK(defaulted);
}

FIBER_TEST("a case of a temporary keeps its channel, and so does every select_case") {
  std::vector<select_case> cases;
  {
    auto ch = make_chan<int>(1);
    ch << 4;
    cases.emplace_back(recv(ch, [](int v) { CHECK(v == 4); }));
  }
  const auto filled = [] {
    auto ch = make_chan<std::string>(1);
    ch << "kept";
    return recv_chan<std::string>(ch);
  };
  std::string text;
  auto named = recv(filled(), text);
  CHECK(select(named) == 0);
  CHECK(text == "kept");
  CHECK(select(cases).ok);
}

FIBER_TEST("a select is woken through the right case however many compete for it") {
  constexpr int fibers = 8;
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  auto c = make_chan<int>(2);
  std::atomic<long> sum = 0;
  const int each = scale(2000);
  sync::wait_group producers, consumers;
  producers.add(fibers);
  consumers.add(fibers);
  for (int f = 0; f < fibers; ++f) {
    go([&, a, b, c] {
      for (int i = 1; i <= each; ++i) {
        select(send(a, i), send(b, i), send(c, i));
      }
      producers.done();
    });
    go([&, a, b, c] {
      for (bool ok = true; ok;) {
        int v = 0;
        select(recv(c, v, ok), recv(b, v, ok), recv(a, v, ok));
        sum += v;
      }
      consumers.done();
    });
  }
  producers.wait();
  CHECK(eventually([&] { return len(c) == 0; }));
  close(a);
  consumers.wait();
  CHECK(sum == long{fibers} * each * (each + 1) / 2);
}

FIBER_TEST("a plain thread may select") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  auto result = make_chan<int>(1);
  std::thread t([=] {
    int v = 0;
    for (int i = 0; i < 100; ++i) {
      if (select(recv(a, v), recv(b)) != 0 || v != i) {
        result << -1;
        return;
      }
    }
    result << v;
  });
  for (int i = 0; i < 100; ++i) {
    a << i;
  }
  CHECK(*result == 99);
  t.join();
}

FIBER_TEST("the select's place and reason are on record") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  go([=] { select(recv(a), recv(b)); });
  CHECK(support::await_parked(wait_reason::select, 1));
  std::string file;
  support::for_each_parked(wait_reason::select, [&](fiber& f) { file = f.where.file_name(); });
  CHECK(file.find("select_test.cpp") != std::string::npos);
  close(a);
}

FIBER_TEST("recv_for and send_for end when their time has come, and not before what is ready") {
  auto ch = make_chan<int>();
  int v = 3;
  const auto before = std::chrono::steady_clock::now();
  CHECK(ch.recv_for(2ms, v) == channel_status::ended);
  CHECK(std::chrono::steady_clock::now() - before >= 2ms);
  CHECK(v == 3);
  CHECK(ch.send_for(1ms, 4) == channel_status::ended);
  CHECK(support::length_of(ch, &detail::chan_core::receivers) == 0);
  CHECK(support::length_of(ch, &detail::chan_core::senders) == 0);
  go([ch] { ch << 5; });
  CHECK(ch.recv_for(20s, v) == channel_status::done);
  CHECK(v == 5);
  go([ch] { ch.recv(); });
  CHECK(ch.send_for(20s, 6) == channel_status::done);
  auto buffered = make_chan<int>(1);
  CHECK(buffered.send_for(-1s, 1) == channel_status::done);
  CHECK(buffered.recv_until(std::chrono::steady_clock::time_point(), v) == channel_status::done);
  close(buffered);
  CHECK(buffered.recv_for(20s, v) == channel_status::closed);
  CHECK(panic_text([&] { buffered.send_for(1ms, 2); }) == "send on closed channel");
}

FIBER_TEST("a value and a time-out that meet: the value is received, or stays with its sender") {
  auto ch = make_chan<int>();
  long sent = 0;
  std::atomic<long> received = 0;
  sync::wait_group over;
  over.add(1);
  const int rounds = scale(2000);
  go([&, ch] {
    for (bool open = true; open;) {
      int v = 0;
      switch (ch.recv_for(20us, v)) {
        case channel_status::done:
          received += v;
          break;
        case channel_status::closed:
          open = false;
          break;
        case channel_status::ended:
          break;
      }
    }
    over.done();
  });
  for (int i = 1; i <= rounds; ++i) {
    if (ch.send_for(std::chrono::microseconds(i % 40), i) == channel_status::done) {
      sent += i;
    }
  }
  close(ch);
  over.wait();
  CHECK(sent == received);
}

FIBER_TEST("a channel without values takes a unit in a select, as it does without one") {
  auto ch = make_chan<void>(1);
  CHECK(select(send(ch, unit()), otherwise) == 0);
  CHECK(select(send(ch, unit()), otherwise) == 1);
  CHECK(len(ch) == 1);
}
