// Channels of all sorts of values (docs/go-semantics.md, CH14): each value arrives intact and is destroyed exactly
// once.
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::await_receivers;
using support::await_senders;
using support::census;
using support::eventually;
using support::life;
using support::panic_of;
using support::scale;

namespace {

// Each type here is made from a number, gives it back, and counts its instances in census<itself>.

struct copyable {
  explicit copyable(int n) : number(n) {}
  copyable() = default;
  int number = 0;
  life<copyable> counted{};
};

struct move_only {
  explicit move_only(int n) : number(new int(n)) {}
  move_only() = default;
  move_only(move_only&& other) noexcept : number(std::exchange(other.number, nullptr)) {}
  move_only& operator=(move_only&& other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  ~move_only() { delete number; }
  int* number = nullptr;
  life<move_only> counted{};
};

struct no_default {
  explicit no_default(int n) : number(n) {}
  int number;
  life<no_default> counted{};
};

// Too aligned for a plain allocation.
struct alignas(256) aligned {
  explicit aligned(int n) : number(n) { check(); }
  aligned() { check(); }
  aligned(const aligned& other) noexcept : number(other.number), counted(other.counted) { check(); }
  aligned& operator=(const aligned&) = default;
  ~aligned() = default;
  void check() const noexcept { misplaced += reinterpret_cast<std::uintptr_t>(this) % 256 != 0; }
  static inline std::atomic<int> misplaced{0};
  int number = 0;
  life<aligned> counted{};
};

struct big {
  explicit big(int n) : number(n) { rest.fill(n); }
  big() : big(0) {}
  int number;
  std::array<int, 500> rest;
  life<big> counted{};
};

// Its copies throw when told to; its moves do not.
struct throwing_copies {
  explicit throwing_copies(int n) : number(n) {}
  throwing_copies() = default;
  throwing_copies(const throwing_copies& other) : number(other.number) {
    if (armed) {
      throw std::runtime_error("copy");
    }
  }
  throwing_copies(throwing_copies&& other) noexcept : number(other.number) {}
  throwing_copies& operator=(const throwing_copies&) = default;
  ~throwing_copies() = default;
  static inline std::atomic<bool> armed{false};
  int number = 0;
  life<throwing_copies> counted{};
};

// Its moves throw when told to.
struct throwing_moves {
  explicit throwing_moves(int n) : number(n) {}
  throwing_moves() = default;
  throwing_moves(const throwing_moves& other) : number(other.number) { maybe(); }
  throwing_moves(throwing_moves&& other) noexcept(false) : number(other.number) { maybe(); }
  throwing_moves& operator=(const throwing_moves&) = default;
  ~throwing_moves() = default;
  static void maybe() {
    if (armed) {
      throw std::runtime_error("move");
    }
  }
  static inline std::atomic<bool> armed{false};
  int number = 0;
  life<throwing_moves> counted{};
};

struct alignas(128) aligned_throwing_moves : throwing_moves {
  using throwing_moves::throwing_moves;
};

// libstdc++'s deque allocates in its move constructor.
struct in_deque {
  explicit in_deque(int n) : values(3, copyable(n)) {}
  in_deque() : in_deque(0) {}
  std::deque<copyable> values;
};

// Empty, but its lifetime matters.
struct counted_empty {
  explicit counted_empty(int) { ++census<counted_empty>::alive; }
  counted_empty() { ++census<counted_empty>::alive; }
  counted_empty(const counted_empty&) noexcept { ++census<counted_empty>::alive; }
  counted_empty& operator=(const counted_empty&) = default;
  ~counted_empty() { --census<counted_empty>::alive; }
};
static_assert(std::is_empty_v<counted_empty>);

template <class T>
struct family {
  using type = T;
};
template <>
struct family<aligned_throwing_moves> {
  using type = throwing_moves;
};
template <>
struct family<in_deque> {
  using type = copyable;
};
template <>
struct family<std::string> {
  using type = void;
};
template <>
struct family<std::shared_ptr<copyable>> {
  using type = copyable;
};
template <>
struct family<std::unique_ptr<copyable>> {
  using type = copyable;
};
template <>
struct family<std::vector<copyable>> {
  using type = copyable;
};
template <>
struct family<std::pair<move_only, int>> {
  using type = move_only;
};

template <class T>
int alive() {
  return census<typename family<T>::type>::alive;
}

template <class T>
T make(int n) {
  return T(n);
}
template <>
std::string make(int n) {
  return std::string(100, 'x') + std::to_string(n);
}
template <>
std::shared_ptr<copyable> make(int n) {
  return std::make_shared<copyable>(n);
}
template <>
std::unique_ptr<copyable> make(int n) {
  return std::make_unique<copyable>(n);
}
template <>
std::vector<copyable> make(int n) {
  return std::vector<copyable>(4, copyable(n));
}
template <>
std::pair<move_only, int> make(int n) {
  return {move_only(n), n};
}

// -1: not the value that was made.
template <class T>
int number(const T& v) {
  return v.number;
}
int number(const move_only& v) { return v.number != nullptr ? *v.number : -1; }
int number(const big& v) { return v.rest.front() == v.number && v.rest.back() == v.number ? v.number : -1; }
int number(const in_deque& v) { return v.values.size() == 3 ? v.values.back().number : -1; }
int number(const std::string& v) {
  int n = -1;  // not by stoi, which writes errno: the thread sanitizer takes it for shared by the fibers of a worker
  if (v.substr(0, 100) == std::string(100, 'x')) {
    std::from_chars(v.data() + 100, v.data() + v.size(), n);
  }
  return n;
}
int number(const std::shared_ptr<copyable>& v) { return v && v.use_count() == 1 ? v->number : -1; }
int number(const std::unique_ptr<copyable>& v) { return v ? v->number : -1; }
int number(const std::vector<copyable>& v) { return v.size() == 4 ? v.back().number : -1; }
int number(const std::pair<move_only, int>& v) { return number(v.first) == v.second ? v.second : -1; }

template <class T>
constexpr bool has_no_number = std::is_same_v<T, counted_empty>;
template <class T>
bool is(const T& v, int n) {
  if constexpr (has_no_number<T>) {
    return true;
  } else {
    return number(v) == n;
  }
}

constexpr int capacities[] = {0, 1, 3};

template <class T>
void arrives_intact_by_every_way() {
  for (const int capacity : capacities) {
    {
      auto ch = make_chan<T>(capacity);
      const int count = 10 + scale(1000);
      go([=] {
        for (int i = 0; i < count; ++i) {
          if (i % 2 == 0) {
            ch << make<T>(i);
          } else {
            ch.send(make<T>(i));
          }
        }
        close(ch);
      });
      int wrong = 0, i = 0;
      while (i < count) {
        if (i % 3 == 0) {
          const auto v = ch.recv();
          wrong += !v || !is(*v, i);
        } else if (i % 3 == 1) {
          T v = make<T>(-2);
          const bool ok = ch >> v;
          wrong += !ok || !is(v, i);
        } else if (i < 100) {
          if constexpr (std::default_initializable<T>) {
            const T v = *ch;
            wrong += !is(v, i);
          } else {
            wrong += !is(*ch.recv(), i);
          }
        } else {
          for (auto&& v : ch) {
            wrong += !is(v, i);
            ++i;
          }
          break;
        }
        ++i;
      }
      CHECK(i == count);
      CHECK(wrong == 0);
      CHECK(!ch.recv());
    }
    CHECK(eventually([] { return alive<T>() == 0; }));
  }
}

template <class T>
void is_destroyed_once_when_the_channel_goes() {
  for (const int capacity : {1, 3, 8}) {
    {
      auto ch = make_chan<T>(capacity);
      for (int i = 0; i < capacity + 2; ++i) {  // so that the values wrap round
        ch << make<T>(i);
        if (i < 2) {
          ch.recv();
        }
      }
      CHECK(len(ch) == capacity);
    }
    CHECK(alive<T>() == 0);
  }
}

template <class T>
void survives_a_close() {
  for (const int capacity : {1, 3}) {
    {
      auto ch = make_chan<T>(capacity);
      for (int i = 0; i < capacity; ++i) {
        ch << make<T>(i);
      }
      std::atomic<int> panics = 0;
      for (int i = 0; i < 5; ++i) {
        go([&] { panics += panic_of([&] { ch << make<T>(99); }) == "send on closed channel"; });
      }
      CHECK(await_senders(ch, 5));
      close(ch);
      CHECK(eventually([&] { return panics == 5; }));
      CHECK(panic_of([&] { ch << make<T>(99); }) == "send on closed channel");
      const auto v = ch.recv();
      CHECK(v.has_value());
      CHECK(is(*v, 0));
    }
    CHECK(eventually([] { return alive<T>() == 0; }));  // the rest went with the channel
  }
  {
    auto ch = make_chan<T>();
    std::atomic<int> returned = 0;
    for (int i = 0; i < 5; ++i) {
      go([&] { returned += !ch.recv(); });
    }
    CHECK(await_receivers(ch, 5));
    close(ch);
    CHECK(eventually([&] { return returned == 5; }));
    if constexpr (std::default_initializable<T>) {
      T v = make<T>(5);
      const bool ok = ch >> v;
      CHECK(!ok);
      if constexpr (requires { v.number == 0; }) {
        CHECK(v.number == decltype(v.number)());
      }
    }
  }
  CHECK(eventually([] { return alive<T>() == 0; }));
}

template <class T>
void reaches_several_receivers_once() {
  for (const int capacity : capacities) {
    {
      auto ch = make_chan<T>(capacity);
      const int count = scale(2000);
      std::atomic<int> arrived = 0;
      std::atomic<long> sum = 0;
      sync::wait_group senders, receivers;
      senders.add(3);
      receivers.add(3);
      for (int s = 0; s < 3; ++s) {
        go([&] {
          for (int i = 0; i < count; ++i) {
            ch << make<T>(i);
          }
          senders.done();
        });
        go([&] {
          while (auto v = ch.recv()) {
            ++arrived;
            if constexpr (!has_no_number<T>) {
              sum += number(*v);
            }
          }
          receivers.done();
        });
      }
      senders.wait();
      close(ch);
      receivers.wait();
      CHECK(arrived == 3 * count);
      if constexpr (!has_no_number<T>) {
        CHECK(sum == 3L * count * (count - 1) / 2);
      }
    }
    CHECK(eventually([] { return alive<T>() == 0; }));
  }
}

template <class T>
void all_of() {
  CHECK(alive<T>() == 0);
  arrives_intact_by_every_way<T>();
  is_destroyed_once_when_the_channel_goes<T>();
  survives_a_close<T>();
  reaches_several_receivers_once<T>();
}

}  // namespace

FIBER_TEST("CH14: copyable values arrive intact and are destroyed once") { all_of<copyable>(); }
FIBER_TEST("CH14: move-only values arrive intact and are destroyed once") {
  all_of<move_only>();
  all_of<std::unique_ptr<copyable>>();
  all_of<std::pair<move_only, int>>();
}
FIBER_TEST("CH14: values that are not default constructible arrive intact and are destroyed once") {
  static_assert(!std::default_initializable<no_default>);
  all_of<no_default>();
}
FIBER_TEST("CH14: over-aligned values arrive intact, aligned, and are destroyed once") {
  aligned::misplaced = 0;
  all_of<aligned>();
  CHECK(aligned::misplaced == 0);
}
FIBER_TEST("CH14: big values arrive intact and are destroyed once") { all_of<big>(); }
FIBER_TEST("CH14: values whose copies may throw arrive intact and are destroyed once") { all_of<throwing_copies>(); }
FIBER_TEST("CH14: values whose moves may throw arrive intact and are destroyed once") {
  static_assert(!std::is_nothrow_move_constructible_v<throwing_moves>);
  all_of<throwing_moves>();
  all_of<aligned_throwing_moves>();
  static_assert(!std::is_nothrow_move_constructible_v<in_deque>);
  all_of<in_deque>();
}
FIBER_TEST("CH14: strings, vectors and shared pointers arrive intact and are destroyed once") {
  all_of<std::string>();
  all_of<std::vector<copyable>>();
  all_of<std::shared_ptr<copyable>>();
}
FIBER_TEST("CH14: an empty type whose lifetime matters is constructed and destroyed like any other") {
  all_of<counted_empty>();
}

FIBER_TEST("CH14: zero-size values are counted, at capacity 0 and N") {
  struct nothing {};
  for (const int capacity : capacities) {
    auto ch = make_chan<nothing>(capacity);
    const int count = scale(300);
    go([=] {
      for (int i = 0; i < count; ++i) {
        ch << nothing();
      }
      close(ch);
    });
    int n = 0;
    for ([[maybe_unused]] nothing v : ch) {
      ++n;
    }
    CHECK(n == count);
    CHECK(!ch.recv());
  }
}

FIBER_TEST("a copy that throws on its way into a send leaves the channel as it was") {
  {
    auto ch = make_chan<throwing_copies>(2);
    const throwing_copies v(1);
    throwing_copies::armed = true;
    CHECK_THROWS_AS(ch << v, std::runtime_error);
    CHECK_THROWS_AS(ch.send(v), std::runtime_error);
    throwing_copies::armed = false;
    CHECK(len(ch) == 0);
    ch << v;
    CHECK((*ch).number == 1);
  }
  CHECK(census<throwing_copies>::alive == 0);
}

FIBER_TEST("a move that throws leaves its send or its receive, and the channel goes on") {
  {
    auto ch = make_chan<throwing_moves>(2);
    throwing_moves v(1);
    throwing_moves::armed = true;
    CHECK_THROWS_AS(ch << std::move(v), std::runtime_error);
    throwing_moves::armed = false;
    CHECK(len(ch) == 0);
    ch << throwing_moves(2);
    ch << throwing_moves(3);
    throwing_moves::armed = true;
    CHECK_THROWS_AS(ch.recv(), std::runtime_error);  // has taken the 2
    throwing_moves::armed = false;
    CHECK(len(ch) == 1);
    CHECK((*ch).number == 3);
    ch << throwing_moves(4);
    CHECK((*ch).number == 4);
  }
  CHECK(census<throwing_moves>::alive == 0);
}

FIBER_TEST("a blocked sender's value is moved once it is taken, not before") {
  auto ch = make_chan<std::unique_ptr<int>>();
  std::atomic<bool> sent = false;
  go([&] {
    auto p = std::make_unique<int>(9);
    ch << std::move(p);
    sent = p == nullptr;
  });
  CHECK(await_senders(ch, 1));
  auto p = ch.recv();
  CHECK(p.has_value());
  CHECK(**p == 9);
  CHECK(eventually([&] { return sent.load(); }));
}

FIBER_TEST("channels carry channels") {
  auto requests = make_chan<chan<int>>();
  go([=] {
    for (auto reply : requests) {
      reply << 42;
    }
  });
  for (int i = 0; i < 10; ++i) {
    auto reply = make_chan<int>(i % 2);
    requests << reply;
    CHECK(*reply == 42);
  }
  close(requests);
}

FIBER_TEST("channels carry pointers, enumerations, booleans and functions") {
  enum class colour { red, green };
  auto a = make_chan<colour>(1);
  a << colour::green;
  CHECK((*a == colour::green));
  auto b = make_chan<bool>(2);
  b << true;
  b << false;
  CHECK(*b);
  CHECK(!*b);
  auto c = make_chan<const char*>(1);
  c << "text";
  CHECK(std::string(*c) == "text");
  auto d = make_chan<std::function<int(int)>>(1);
  d << [](int n) { return n + 1; };
  CHECK((*d)(1) == 2);
  auto e = make_chan<std::optional<int>>(2);
  e << std::nullopt;
  e << 3;
  const auto first = e.recv();
  CHECK(first.has_value());
  CHECK(!first->has_value());
  CHECK(**e == 3);
}
