// Handles to channels: copies, ends, nil, identity and lifetime (samples/README.md; docs/go-semantics.md, CH4).
#include <atomic>
#include <functional>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::census;
using support::eventually;
using support::life;
using support::scale;

namespace {

// A channel that holds one of these is alive while the count is 1.
struct witness {
  life<witness> counted{};
};

bool alive() { return census<witness>::alive == 1; }

chan<witness> witnessed() {
  auto ch = make_chan<witness>(2);
  ch << witness();
  return ch;
}

template <class T>
T first_of(const recv_chan<T>& in) {
  return *in;
}
template <class T>
void put(const send_chan<T>& out, T v) {
  out << std::move(v);
}

}  // namespace

FIBER_TEST("a chan is both of its ends, and templates written for an end deduce from it") {
  static_assert(std::is_base_of_v<recv_chan<int>, chan<int>>);
  static_assert(std::is_base_of_v<send_chan<int>, chan<int>>);
  static_assert(std::is_convertible_v<chan<int>, recv_chan<int>>);
  static_assert(std::is_convertible_v<chan<int>, send_chan<int>>);
  static_assert(!std::is_convertible_v<recv_chan<int>, chan<int>>);
  static_assert(!std::is_convertible_v<send_chan<int>, recv_chan<int>>);
  static_assert(!std::is_convertible_v<recv_chan<int>, send_chan<int>>);
  static_assert(!std::is_convertible_v<chan<int>, chan<long>>);
  auto ch = make_chan<int>(1);
  put(ch, 5);
  CHECK(first_of(ch) == 5);
}

FIBER_TEST("CH4: channels compare by identity, whatever the end") {
  auto a = make_chan<int>(1), b = make_chan<int>(1);
  const chan<int> also_a = a;
  const recv_chan<int> in = a;
  const send_chan<int> out = a;
  CHECK(a == also_a);
  CHECK(a != b);
  CHECK(a == in);
  CHECK(in == a);
  CHECK(a == out);
  CHECK(out == in);
  CHECK(in != recv_chan<int>(b));
  CHECK(out != b);
  CHECK(a != nil);
  CHECK(nil != in);
}

FIBER_TEST("nil is a handle to no channel") {
  chan<int> a;
  chan<int> b = nil;
  recv_chan<int> in;
  send_chan<int> out = nil;
  CHECK(a == nil);
  CHECK(nil == b);
  CHECK(a == b);
  CHECK(in == out);
  CHECK(in == nil);
  CHECK(!a);
  CHECK(!in);
  CHECK(!out);
  a = make_chan<int>();
  CHECK(a);
  CHECK(a != b);
  in = a;
  out = a;
  CHECK(in);
  CHECK(out);
  a = nil;
  in = nil;
  out = nil;
  CHECK(a == nil);
  CHECK(in == nil);
  CHECK(out == nil);
}

FIBER_TEST("CH4: channels are hashable") {
  auto a = make_chan<int>(), b = make_chan<int>();
  CHECK(std::hash<chan<int>>()(a) == std::hash<recv_chan<int>>()(a));
  CHECK(std::hash<chan<int>>()(a) == std::hash<send_chan<int>>()(a));
  CHECK(std::hash<chan<int>>()(nil) == std::hash<send_chan<int>>()(nil));
  std::unordered_map<chan<int>, int> map;
  map[a] = 1;
  map[b] = 2;
  map[nil] = 3;
  map[chan<int>(a)] += 10;
  CHECK(map.size() == 3);
  CHECK(map[a] == 11);
  CHECK(map[b] == 2);
  CHECK(map[chan<int>()] == 3);
  std::unordered_set<recv_chan<int>> set{a, b, a};
  CHECK(set.size() == 2);
  CHECK(set.count(a) == 1);
}

FIBER_TEST("a copy refers to the same channel, and the last handle of any kind takes the channel with it") {
  {
    auto ch = witnessed();
    CHECK(alive());
    {
      chan<witness> copy = ch;
      CHECK(copy == ch);
    }
    CHECK(alive());
    recv_chan<witness> in = ch;
    ch = nil;
    CHECK(alive());
    recv_chan<witness> in2 = in;
    in = nil;
    CHECK(alive());
    in2 = in;
    CHECK(census<witness>::alive == 0);
  }
  {
    auto ch = witnessed();
    send_chan<witness> out = ch;
    ch = nil;
    CHECK(alive());
    out << witness();  // still the channel
    CHECK(len(out) == 2);
    send_chan<witness> out2 = std::move(out);
    CHECK(len(out2) == 2);
    out2 = nil;
    CHECK(census<witness>::alive == 0);
  }
}

FIBER_TEST("assignment gives up the old channel and shares the new one") {
  {
    auto a = witnessed();
    auto b = make_chan<witness>(2);
    const chan<witness> keep_b = b;
    a = b;
    CHECK(census<witness>::alive == 0);
    CHECK(a == b);
    a << witness();
    CHECK(len(b) == 1);
    const auto& self = a;
    a = self;
    CHECK(a == b);
    CHECK(alive());
    b = nil;
    CHECK(alive());
    CHECK(a.recv());
    a = nil;
    CHECK(keep_b != nil);
  }
  CHECK(census<witness>::alive == 0);
}

FIBER_TEST("a handle that was moved from is nil and can be assigned again") {
  {
    auto a = witnessed();
    chan<witness> b = std::move(a);
    CHECK(a == nil);
    CHECK(send_chan<witness>(a) == nil);
    CHECK(alive());
    a = std::move(b);
    CHECK(b == nil);
    CHECK(alive());
    CHECK(a);
    recv_chan<witness> in = a;
    recv_chan<witness> in2 = std::move(in);
    CHECK(in == nil);
    CHECK(in2 == a);
    send_chan<witness> out = a;
    send_chan<witness> out2;
    out2 = std::move(out);
    CHECK(out == nil);
    CHECK(out2 == a);
    b = a;
    CHECK(b == a);
    auto& self = b;
    b = std::move(self);
    CHECK(b == a);
    CHECK(a == b);
  }
  CHECK(census<witness>::alive == 0);
}

FIBER_TEST("moving a chan into one of its ends leaves nothing dangling") {
  {
    auto ch = witnessed();
    recv_chan<witness> in = std::move(ch);
    const send_chan<witness> out = ch;
    in = nil;
    if (out != nil) {  // whatever a moved-from chan is, it must be safe to use
      CHECK(alive());
      CHECK(len(out) == 1);
    }
    ch = nil;
  }
  CHECK(census<witness>::alive == 0);
  {
    auto ch = witnessed();
    send_chan<witness> out = std::move(ch);
    ch = nil;
    CHECK(alive());
    CHECK(len(out) == 1);
  }
  CHECK(census<witness>::alive == 0);
  {
    auto ch = witnessed();
    {
      const recv_chan<witness> in = std::move(ch);
    }
    const chan<witness> copy = ch;  // nil or alive, but no handle to a channel that is gone
    CHECK(len(send_chan<witness>(ch)) == len(recv_chan<witness>(ch)));
    CHECK(copy == ch);
    ch = make_chan<witness>(1);
    ch << witness();
    CHECK(census<witness>::alive == (copy == nil ? 1 : 2));
  }
  CHECK(census<witness>::alive == 0);
}

FIBER_TEST("assigning to a chan through a reference to its receiving end leaves nothing dangling") {
  {
    auto ch = witnessed();
    recv_chan<witness>& in = ch;
    in = nil;
    CHECK(census<witness>::alive <= 1);
    const send_chan<witness> out = ch;
    CHECK(len(out) == census<witness>::alive);
  }
  CHECK(census<witness>::alive == 0);
  {
    auto ch = witnessed();
    const auto other = make_chan<witness>(1);
    send_chan<witness>& out = ch;
    out = other;
    CHECK(len(recv_chan<witness>(ch)) == 1);
    CHECK(alive());
  }
  CHECK(census<witness>::alive == 0);
}

FIBER_TEST("handles keep a channel alive in containers, closures and fibers") {
  {
    std::vector<recv_chan<witness>> all;
    {
      auto ch = witnessed();
      for (int i = 0; i < 100; ++i) {
        all.push_back(ch);
      }
    }
    CHECK(alive());
    all.erase(all.begin() + 1, all.end());
    CHECK(alive());
  }
  CHECK(census<witness>::alive == 0);
  auto gate = make_chan<void>();
  go([gate, ch = witnessed()] { gate.recv(); });
  CHECK(support::await_receivers(gate, 1));
  CHECK(alive());
  gate.send();
  CHECK(eventually([] { return census<witness>::alive == 0; }));
}

FIBER_TEST("handles may be copied and dropped by many fibers at once") {
  for (int round = 0; round < scale(2000); ++round) {
    auto ch = witnessed();
    sync::wait_group all;
    constexpr int fibers = 8;
    all.add(fibers);
    for (int i = 0; i < fibers; ++i) {
      go([ch, i, &all]() mutable {
        for (int n = 0; n < 50; ++n) {
          recv_chan<witness> in = ch;
          send_chan<witness> out = ch;
          chan<witness> copy = ch;
          if (n % 8 == i) {
            runtime::gosched();
          }
        }
        ch = nil;
        all.done();
      });
    }
    ch = nil;
    all.wait();
    if (census<witness>::alive != 0) {
      FAIL_CHECK("the channel outlived its last handle");
    }
  }
}

FIBER_TEST("a channel outlives the handles of those who are blocked in it by references") {
  auto ch = make_chan<int>();
  auto result = make_chan<int>(1);
  go([ch, result] { result << *ch; });
  CHECK(support::await_receivers(ch, 1));
  send_chan<int> out = ch;
  ch = nil;
  out << 3;
  CHECK(*result == 3);
}
