// When a worker looks for a moment before it sleeps.
#include "sched/spin_rule.hpp"

#include "fiber_test.hpp"

namespace {

using namespace gossamer;
using sched::spin_rule;

constexpr detail::deadline soon = 5'000;
constexpr detail::deadline long_after = 10'000'000;

constexpr const char* ann = "ann";
constexpr const char* bob = "bob";

// One of which it is known that a dialogue goes on, with short waits.
spin_rule in_dialogue() {
  spin_rule rule;
  while (!rule.should_spin(1, ann)) {
    rule.waited(soon, false, false);
  }
  return rule;
}

// How many of so many short waits are spun for, in vain.
int spun_in_vain(spin_rule& rule, int waits) {
  int n = 0;
  for (int i = 0; i < waits; ++i) {
    const bool spins = rule.should_spin(1, ann);
    n += spins ? 1 : 0;
    rule.waited(spin_rule::spin_for + soon, spins, false);
  }
  return n;
}

}  // namespace

PLAIN_TEST("a worker does not spin before it has seen short waits after one and the same fiber") {
  spin_rule rule;
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(rule.should_spin(1, ann));
    rule.waited(soon, false, false);
  }
  CHECK(rule.should_spin(1, ann));
}

PLAIN_TEST("a worker does not spin after a long wait") {
  spin_rule rule = in_dialogue();
  rule.waited(long_after, true, false);
  CHECK_FALSE(rule.should_spin(1, ann));
  rule.waited(long_after, false, false);
  CHECK_FALSE(rule.should_spin(1, ann));
}

PLAIN_TEST("a worker spins for every wait as long as that ends them") {
  spin_rule rule = in_dialogue();
  for (int i = 0; i < 1000; ++i) {
    rule.waited(soon, true, true);
    CHECK(rule.should_spin(1, ann));
  }
}

PLAIN_TEST("a worker that spins in vain tries it again after 1, 3, 7 ... 255 short waits, and after success at once") {
  spin_rule rule = in_dialogue();
  rule.waited(soon, false, false);
  CHECK(spun_in_vain(rule, 1 + 1 + 1) == 2);
  CHECK(spun_in_vain(rule, 3 + 1 + 7 + 1 + 15 + 1 + 31 + 1 + 63 + 1 + 127 + 1 + 255 + 1) == 7);
  CHECK(spun_in_vain(rule, 255) == 0);
  CHECK(rule.should_spin(1, ann));
  rule.waited(soon, true, true);
  CHECK(rule.should_spin(1, ann));
}

PLAIN_TEST("a worker looks at the poller shortly before what comes usually has come, also when that changes") {
  spin_rule rule;
  CHECK(rule.first_look() == 0);
  const auto settle = [&rule](detail::deadline took) {
    for (int i = 0; i < 100; ++i) {
      rule.waited(took, true, true);
    }
    return rule.first_look();
  };
  CHECK(settle(12'000) <= 9'000);
  CHECK(settle(12'000) > 8'900);
  CHECK(settle(4'000) <= 3'010);
  // What took longer than it looks does not put the first look off beyond that.
  CHECK(settle(10 * spin_rule::spin_for) < spin_rule::spin_for);
}

PLAIN_TEST("a worker does not spin where its fibers change, or many have run, until there is a dialogue again") {
  spin_rule rule = in_dialogue();
  rule.waited(soon, true, true);
  SUBCASE("another fiber") { CHECK_FALSE(rule.should_spin(1, bob)); }
  SUBCASE("many") { CHECK_FALSE(rule.should_spin(100, ann)); }
  int turns = 0;
  for (; turns < 10 && !rule.should_spin(1, ann); ++turns) {
    rule.waited(soon, false, false);
  }
  CHECK(turns > 0);
  CHECK(turns <= 3);
  for (int i = 0; i < 100; ++i) {
    rule.waited(soon, false, false);
    CHECK_FALSE(rule.should_spin(1, i % 2 == 0 ? bob : ann));
  }
}
