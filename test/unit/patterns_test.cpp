// Classic networks of fibers (docs/go-semantics.md, CH19).
#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using support::scale;

// ---- daisy chain ----------------------------------------------------------------------------------------------------

FIBER_TEST("CH19: a daisy chain of 20,000 fibers adds up") {
  const int length = support::slowdown > 1 ? 4000 : 20'000;
  const auto leftmost = make_chan<int>();
  chan<int> left = leftmost;
  for (int i = 0; i < length; ++i) {
    auto right = make_chan<int>();
    go([=] { left << *right + 1; });
    left = right;
  }
  go([=] { left << 1; });
  CHECK(*leftmost == length + 1);
}

// ---- prime sieve ----------------------------------------------------------------------------------------------------

FIBER_TEST("CH19: a chain of filters sieves the primes") {
  const int wanted = support::slowdown > 1 ? 40 : 300;
  // Each stage ends when its input is closed; the source ends when `stop` is.
  auto stop = make_chan<void>(1);
  auto numbers = make_chan<int>();
  go([=] {
    for (int i = 2; len(stop) == 0; ++i) {
      numbers << i;
    }
    close(numbers);
  });
  chan<int> in = numbers;
  std::vector<int> primes;
  for (int i = 0; i < wanted; ++i) {
    const int prime = *in;
    primes.push_back(prime);
    auto out = make_chan<int>();
    go([=] {
      for (int n : in) {
        if (n % prime != 0) {
          out << n;
        }
      }
      close(out);
    });
    in = out;
  }
  stop.send();
  while (in.recv()) {
  }
  int next = 2, wrong = 0;
  for (const int prime : primes) {
    const auto is_prime = [](int n) {
      for (int d = 2; d * d <= n; ++d) {
        if (n % d == 0) {
          return false;
        }
      }
      return true;
    };
    while (!is_prime(next)) {
      ++next;
    }
    wrong += prime != next++;
  }
  CHECK(wrong == 0);
  CHECK(primes.back() == (wanted == 300 ? 1987 : 173));
}

// ---- power series ---------------------------------------------------------------------------------------------------

namespace {

// A rational number, reduced, with a positive denominator.
struct rational {
  std::int64_t num = 0;
  std::int64_t den = 1;
  rational() = default;
  rational(std::int64_t n, std::int64_t d = 1) {
    const std::int64_t divisor = std::gcd(n, d) * (d < 0 ? -1 : 1);
    num = n / divisor;
    den = d / divisor;
  }
  friend bool operator==(const rational&, const rational&) = default;
};
rational operator+(rational a, rational b) { return {a.num * b.den + b.num * a.den, a.den * b.den}; }
rational operator*(rational a, rational b) { return {a.num * b.num, a.den * b.den}; }

// A power series: a fiber that gives the next coefficient when it is asked for it. The idea is that of Go's
// test/chan/powser1.go (McIlroy: Squinting at power series).
struct series {
  chan<void> ask = make_chan<void>();
  chan<rational> give = make_chan<rational>();

  rational next() const {
    ask.send();
    return *give;
  }
};

// Makes series out of series. All of its fibers wait to be asked when nobody asks: closing what they wait for ends
// them.
class network {
 public:
  ~network() {
    for (const series& s : all_) {
      close(s.ask);
    }
  }

  // The series whose coefficients are next(), next(), …
  template <class Next>
  series make(Next next) {
    const series s = fresh();
    go([s, next = std::move(next)]() mutable {
      while (s.ask.recv()) {
        s.give << next();
      }
    });
    return s;
  }

  series add(series f, series g) {
    return make([=] { return f.next() + g.next(); });
  }
  series scaled(series f, rational by) {
    return make([=] { return f.next() * by; });
  }
  // first + x f
  series after(rational first, series f) {
    return make([=, started = false]() mutable { return std::exchange(started, true) ? f.next() : first; });
  }
  // The integral of f with that constant. The constant comes before f is asked, so f may depend on the result.
  series integral(series f, rational constant) {
    return make([=, n = std::int64_t{0}]() mutable {
      ++n;
      return n == 1 ? constant : f.next() * rational(1, n - 1);
    });
  }
  // The derivative of f.
  series derivative(series f) {
    return make([=, n = std::int64_t{0}]() mutable {
      if (n == 0) {
        f.next();
      }
      ++n;
      return f.next() * rational(n);
    });
  }
  // Two series with f's coefficients, which may be asked for at different times.
  std::pair<series, series> split(series f) {
    struct shared {
      sync::mutex asking;  // held while f is asked: f may depend on what the other side still has
      sync::mutex mu;
      std::array<std::deque<rational>, 2> pending;  // guarded by mu
    };
    auto common = std::make_shared<shared>();
    const auto side = [&](std::size_t mine) {
      return make([=] {
        const auto pop = [&] {
          const std::scoped_lock lock(common->mu);
          std::optional<rational> c;
          if (auto& own = common->pending[mine]; !own.empty()) {
            c = own.front();
            own.pop_front();
          }
          return c;
        };
        if (const auto c = pop()) {
          return *c;
        }
        const std::scoped_lock lock(common->asking);
        if (const auto c = pop()) {
          return *c;
        }
        const rational c = f.next();
        const std::scoped_lock both(common->mu);
        common->pending[1 - mine].push_back(c);
        return c;
      });
    };
    return {side(0), side(1)};
  }
  // f g = f0 g0 + x (f0 G + g0 F + x F G), where F and G are the tails: a network that grows as it is asked.
  series product(series f, series g) {
    struct tail {
      int asked = 0;
      rational f0, g0;
      series rest;
    };
    return make([=, this, t = std::shared_ptr<tail>()]() mutable {
      if (!t) {
        t = std::make_shared<tail>();
        t->f0 = f.next();
        t->g0 = g.next();
        return t->f0 * t->g0;
      }
      if (t->asked++ == 0) {
        const auto [f1, f2] = split(f);
        const auto [g1, g2] = split(g);
        t->rest = add(add(scaled(g1, t->f0), scaled(f1, t->g0)), after(0, product(f2, g2)));
      }
      return t->rest.next();
    });
  }

  // A series whose definition needs itself: define(s) gives the definition in terms of s.
  template <class Define>
  series fixed_point(Define define) {
    const series loop = fresh();  // stands for one copy of the result inside its definition
    const auto [out, again] = split(define(loop));
    go([=] {
      while (loop.ask.recv()) {
        loop.give << again.next();
      }
    });
    return out;
  }

 private:
  series fresh() {
    const std::scoped_lock lock(mu_);
    all_.emplace_back();
    return all_.back();
  }

  sync::mutex mu_;
  std::vector<series> all_;  // guarded by mu_
};

std::vector<rational> first(int n, const series& s) {
  std::vector<rational> all;
  for (int i = 0; i < n; ++i) {
    all.push_back(s.next());
  }
  return all;
}

series ones(network& net) {
  return net.make([] { return rational(1); });
}
// e' = e, e(0) = 1
series exponential(network& net) {
  return net.fixed_point([&](series e) { return net.integral(e, 1); });
}

}  // namespace

FIBER_TEST("CH19: a power-series network adds, multiplies, integrates and differentiates") {
  network net;
  CHECK(first(8, net.product(ones(net), ones(net))) == std::vector<rational>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(first(6, net.add(ones(net), net.scaled(ones(net), rational(-1)))) == std::vector<rational>(6, 0));
  CHECK(first(5, net.derivative(ones(net))) == std::vector<rational>{1, 2, 3, 4, 5});
  CHECK(first(5, net.integral(ones(net), 0)) ==
        std::vector<rational>{0, 1, rational(1, 2), rational(1, 3), rational(1, 4)});
  CHECK(first(4, net.after(9, ones(net))) == std::vector<rational>{9, 1, 1, 1});
}

FIBER_TEST("CH19: power series that are defined by themselves come out right") {
  network net;
  CHECK(first(6, exponential(net)) ==
        std::vector<rational>{1, 1, rational(1, 2), rational(1, 6), rational(1, 24), rational(1, 120)});
  // e^x e^-x = 1
  const series minus = net.fixed_point([&](series e) { return net.integral(net.scaled(e, rational(-1)), 1); });
  const int terms = support::slowdown > 1 ? 6 : 10;
  std::vector<rational> one(static_cast<std::size_t>(terms), 0);
  one[0] = 1;
  CHECK(first(terms, net.product(exponential(net), minus)) == one);
  // tan' = 1 + tan^2
  const series tangent = net.fixed_point([&](series t) {
    const auto [a, b] = net.split(t);
    const series square = net.product(a, b);
    return net.integral(net.add(net.make([n = 0]() mutable { return rational(n++ == 0); }), square), 0);
  });
  CHECK(first(8, tangent) == std::vector<rational>{0, 1, 0, rational(1, 3), 0, rational(2, 15), 0, rational(17, 315)});
}

// ---- a few more -----------------------------------------------------------------------------------------------------

FIBER_TEST("a pipeline with fan-out and fan-in computes the same as a loop") {
  const int count = scale(10'000);
  auto source = make_chan<int>(4), squares = make_chan<int>(4);
  go([=] {
    for (int i = 1; i <= count; ++i) {
      source << i;
    }
    close(source);
  });
  sync::wait_group workers;
  workers.add(5);
  for (int i = 0; i < 5; ++i) {
    go([&, source, squares] {
      for (int n : source) {
        squares << n % 1000 * (n % 1000);
      }
      workers.done();
    });
  }
  go([&, squares] {
    workers.wait();
    close(squares);
  });
  long sum = 0, expected = 0;
  for (int s : squares) {
    sum += s;
  }
  for (int i = 1; i <= count; ++i) {
    expected += i % 1000 * (i % 1000);
  }
  CHECK(sum == expected);
}

FIBER_TEST("a tree of fibers sums its leaves by channels") {
  struct skynet {
    static void node(chan<long> to, long number, int size) {
      if (size == 1) {
        to << number;
        return;
      }
      auto ch = make_chan<long>();
      for (int i = 0; i < 10; ++i) {
        go(node, ch, number + i * (size / 10), size / 10);
      }
      long sum = 0;
      for (int i = 0; i < 10; ++i) {
        sum += *ch;
      }
      to << sum;
    }
  };
  const int leaves = support::slowdown > 1 ? 1000 : 100'000;
  auto result = make_chan<long>();
  go(skynet::node, result, 0L, leaves);
  CHECK(*result == static_cast<long>(leaves) * (leaves - 1) / 2);
}

FIBER_TEST("dining philosophers with an order of forks all eat") {
  constexpr std::size_t seats = 5;
  std::array<sync::mutex, seats> forks;
  std::array<int, seats> meals{};
  const int hunger = scale(5000);
  sync::wait_group all;
  all.add(seats);
  for (std::size_t i = 0; i < seats; ++i) {
    go([&, i] {
      sync::mutex& low = forks[std::min(i, (i + 1) % seats)];
      sync::mutex& high = forks[std::max(i, (i + 1) % seats)];
      for (int n = 0; n < hunger; ++n) {
        low.lock();
        high.lock();
        ++meals[i];
        runtime::gosched();
        high.unlock();
        low.unlock();
      }
      all.done();
    });
  }
  all.wait();
  for (const int m : meals) {
    CHECK(m == hunger);
  }
}
