// Values of types that get in the way: they overload the unary &, the comma, or convert from everything.
#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gossamer/conc.hpp>
#include <gossamer/context.hpp>
#include <gossamer/fiber_local.hpp>
#include <gossamer/singleflight.hpp>

#include "inside.hpp"

using namespace gossamer;

namespace {

// As smart pointers of other libraries do: & gives the address of what it holds, and a comma means something else.
struct odd {
  odd() = default;
  explicit odd(int n) : number(n) {}
  int number = 0;

  int* operator&() { return nullptr; }
  const int* operator&() const { return nullptr; }
  template <class T>
  void operator,(T&&) const = delete;
  template <class T>
  friend void operator,(T&&, const odd&) = delete;
  friend bool operator==(const odd& a, const odd& b) noexcept { return a.number == b.number; }
};
// Its move may throw, so it travels in a box.
struct odd_boxed : odd {
  using odd::odd;
  odd_boxed(odd_boxed&& other) noexcept(false) : odd(other) {}
  odd_boxed(const odd_boxed&) = default;
  odd_boxed& operator=(const odd_boxed&) = default;
  odd_boxed() = default;
};
struct odd_hash {
  std::size_t operator()(const odd& o) const noexcept { return static_cast<std::size_t>(o.number); }
};
// A function object of that kind.
struct odd_call : odd {
  explicit odd_call(chan<int> c) : odd(5), to(std::move(c)) {}
  chan<int> to;
  void operator()() const { to << number; }
};

// Made of anything whatever.
struct sponge {
  sponge() = default;
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, sponge>)
  sponge(T&&) : of(&typeid(T)) {}
  const std::type_info* of = nullptr;
};

template <class T>
void pass_through_channels() {
  auto ch = make_chan<T>(2);
  ch << T(7);
  CHECK((*ch).number == 7);
  ch.send(T(8));
  CHECK(ch.recv()->number == 8);
  T v;
  ch << T(9);
  const bool came = ch >> v;
  CHECK(came);
  CHECK(v.number == 9);
  CHECK(ch.send_for(1h, T(10)) == channel_status::done);
  CHECK(ch.recv_for(1h, v) == channel_status::done);
  CHECK(v.number == 10);
  bool ok = false;
  CHECK(select(send(ch, T(11)), recv(ch, v)) == 0);
  CHECK(select(recv(ch, v, ok), otherwise) == 0);
  CHECK(v.number == 11);
  CHECK(select(send(ch, v)) == 0);
  std::optional<T> maybe;
  CHECK(select(recv(ch, maybe)) == 0);
  CHECK(maybe->number == 11);
  ch << T(12);
  int got = 0;
  select(recv(ch, [&](T t) { got = t.number; }));
  CHECK(got == 12);
  std::vector<select_case> cases;
  cases.emplace_back(send(ch, T(13)));
  CHECK(select(cases) == 0);
  close(ch);
  for (const T& t : ch) {
    got = t.number;
  }
  CHECK(got == 13);
  auto unbuffered = make_chan<T>();
  go([=] { unbuffered << T(14); });
  CHECK((*unbuffered).number == 14);
}

}  // namespace

FIBER_TEST("a channel carries values whose & and comma are overloaded") {
  pass_through_channels<odd>();
  pass_through_channels<odd_boxed>();
  auto ch = make_chan<odd>(1);
  odd kept(3);
  CHECK(select(send(ch, std::ref(kept))) == 0);
  CHECK((*ch).number == 3);
}

FIBER_TEST("such values may be kept, shared and passed on by everything that takes values") {
  sync::map<odd, odd, odd_hash> map;
  map.store(odd(1), odd(2));
  CHECK(map.load(odd(1))->number == 2);
  CHECK(map.load_or_store(odd(1), odd(3)).first.number == 2);
  CHECK(map.swap(odd(1), odd(4))->number == 2);
  CHECK(map.compare_and_swap(odd(1), odd(4), odd(5)));
  map.range([](const odd& k, const odd& v) { CHECK(k.number + v.number == 6); });
  CHECK(map.load_and_delete(odd(1))->number == 5);
  sync::pool<odd> pool;
  pool.put(odd(6));
  static_cast<void>(pool.get());
  CHECK(sync::once_value([] { return odd(7); })().number == 7);
  singleflight::group<odd, odd, odd_hash> flights;
  CHECK(std::get<0>(flights.do_(odd(1), [] { return odd(8); })).number == 8);
  CHECK(flights.do_chan(odd(1), [] { return odd(9); }).recv()->val.number == 9);
  static fiber_local<odd> local{odd(10)};
  CHECK((*local).number == 10);
  CHECK(local->number == 10);
  const context::context ctx = context::with_value(context::background(), odd(11), odd(12));
  CHECK(ctx.value<odd>(odd(11))->number == 12);
  CHECK(ctx.value<odd>(odd(13)) == nullptr);
  try {
    panic(odd(14));
  } catch (const panic_error& p) {
    CHECK(p.value<odd>()->number == 14);
  }
  const std::vector<odd> some(3, odd(15));
  CHECK(conc::map(some, [](const odd& o) { return odd(o.number + 1); })[2].number == 16);
}

FIBER_TEST("such a function runs in fibers, timers, defers and after contexts") {
  auto ch = make_chan<int>(8);
  go(odd_call(ch));
  CHECK(*ch == 5);
  go([](const odd& o, const chan<int>& to) { to << o.number; }, odd(6), ch);
  CHECK(*ch == 6);
  time::after_func(0s, odd_call(ch));
  CHECK(*ch == 5);
  const auto [ctx, cancel] = context::with_cancel(context::background());
  const auto stop = context::after_func(ctx, odd_call(ch));
  cancel();
  CHECK(*ch == 5);
  {
    const defer at_end{odd_call(ch)};
  }
  CHECK(*ch == 5);
  func([&](defers& later) { later(odd_call(ch)); });
  CHECK(*ch == 5);
  sync::once_func(odd_call(ch))();
  CHECK(*ch == 5);
  const odd_call call(ch);
  runtime::blocking(call);
  CHECK(*ch == 5);
}

FIBER_TEST("a case's function gets a value of a type that converts from everything as it was sent") {
  auto anys = make_chan<std::any>(1);
  anys << std::any(7);
  int got = 0;
  select(recv(anys, [&](std::any a) { got = *std::any_cast<int>(&a); }));
  CHECK(got == 7);
  anys << std::any(8);
  select(recv(anys, [&](const std::any& a, bool ok) { got = ok ? *std::any_cast<int>(&a) : 0; }));
  CHECK(got == 8);
  anys << std::any(9);
  select(recv(anys, [&](std::optional<std::any> a) { got = a ? *std::any_cast<int>(&*a) : 0; }));
  CHECK(got == 9);
  anys << std::any(10);
  std::any variable;
  select(recv(anys, variable));
  CHECK(*std::any_cast<int>(&variable) == 10);
  anys << std::any(11);
  CHECK(std::any_cast<int>(*anys) == 11);
  close(anys);
  bool empty = false;
  select(recv(anys, [&](std::any a) { empty = !a.has_value(); }));
  CHECK(empty);
  empty = false;
  select(recv(anys, [&](std::optional<std::any> a) { empty = !a.has_value(); }));
  CHECK(empty);

  auto sponges = make_chan<sponge>(1);
  sponges << sponge(1.5);
  const std::type_info* of = nullptr;
  select(recv(sponges, [&](sponge s) { of = s.of; }));
  CHECK(*of == typeid(double));
  sponges << sponge(2);
  select(recv(sponges, [&](const std::optional<sponge>& s) { of = s->of; }));
  CHECK(*of == typeid(int));
}

FIBER_TEST("a channel of optionals hands on empty ones, and a function tells those from a close") {
  using maybe = std::optional<int>;
  auto ch = make_chan<maybe>(1);
  std::string seen;
  const auto show = [](const maybe& m) { return m ? std::to_string(*m) : std::string("empty"); };
  const auto as_it_is = [&](maybe m) { seen = show(m); };
  const auto with_ok = [&](const maybe& m, bool ok) { seen = show(m) + (ok ? " ok" : " closed"); };
  const auto nested = [&](std::optional<maybe> m) { seen = m ? show(*m) : "closed"; };
  for (const maybe& m : {maybe(3), maybe()}) {
    const std::string text = show(m);
    ch << m;
    select(recv(ch, as_it_is));
    CHECK(seen == text);
    ch << m;
    select(recv(ch, with_ok));
    CHECK(seen == text + " ok");
    ch << m;
    select(recv(ch, nested));
    CHECK(seen == text);
    ch << m;
    CHECK(*ch.recv() == m);
  }
  close(ch);
  select(recv(ch, as_it_is));
  CHECK(seen == "empty");
  select(recv(ch, with_ok));
  CHECK(seen == "empty closed");
  select(recv(ch, nested));
  CHECK(seen == "closed");
}

namespace {

// g++ -O3 warned of both: that it compiles, where warnings are errors, is half of the test.
[[gnu::noinline]] std::string first_of(const chan<std::string>& a, const chan<int>& b) {
  std::string s;
  int v;
  bool ok;
  switch (select(recv(a, s), recv(b, v, ok), otherwise)) {
    case 0:
      return s;
    case 1:
      return std::to_string(v) + (ok ? " ok" : " closed");
    default:
      return "nothing";
  }
}

}  // namespace

FIBER_TEST("variables that only a case sets need no value before") {
  auto a = make_chan<std::string>(1);
  auto b = make_chan<int>(1);
  CHECK(first_of(a, b) == "nothing");
  b << 3;
  CHECK(first_of(a, b) == "3 ok");
  a << "text";
  CHECK(first_of(a, b) == "text");
  close(b);
  CHECK(first_of(a, b) == "0 closed");
  // One that has a value keeps it where its case was not chosen.
  int v = 5;
  CHECK(select(recv(a), recv(chan<int>(), v), otherwise) == 2);
  CHECK(v == 5);
}

namespace {

std::optional<int> last_seen;
void note_optional(std::optional<int> v) { last_seen = v; }

}  // namespace

FIBER_TEST("a case's function may take an optional by any form of a call, and of a type that the value converts to") {
  auto ch = make_chan<int>(1);
  ch << 1;
  select(recv(ch, note_optional));
  CHECK(last_seen == 1);
  ch << 2;
  std::optional<long> wide;
  select(recv(ch, [&](std::optional<long> v) noexcept { wide = v; }));
  CHECK(wide == 2);
  ch << 3;
  select(recv(ch, std::function<void(std::optional<int>)>(note_optional)));
  CHECK(last_seen == 3);
  ch << 4;
  std::optional<std::any> any;
  select(recv(ch, [&, n = 0](std::optional<std::any> v) mutable { any = v, ++n; }));
  CHECK(std::any_cast<int>(*any) == 4);
  ch << 5;
  int plain = 0;
  select(recv(ch, [&](auto v) { plain = v; }));
  CHECK(plain == 5);
  close(ch);
  select(recv(ch, note_optional));
  CHECK(!last_seen);
  select(recv(ch, [&](std::optional<std::any> v) { any = v; }));
  CHECK(!any);
}
