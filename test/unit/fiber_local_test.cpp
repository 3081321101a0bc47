// fiber_local: each fiber has its own, from its first use to the fiber's end.
#include <gossamer/fiber_local.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::eventually;

namespace {

struct here;
using census = support::census<here>;
struct counted {
  support::life<here> alive;
  int n = 0;
};

constinit fiber_local<int> number;
constinit fiber_local<int> seven{7};
fiber_local<std::string> name{"nobody"};
fiber_local<counted> tracked_value;
fiber_local<std::unique_ptr<int>> owner;
fiber_local<std::vector<int>> made{[] { return std::vector<int>{1, 2, 3}; }};

std::atomic<int> made_values = 0;
struct from_factory {
  explicit from_factory(int) { ++made_values; }
  from_factory(const from_factory&) = delete;
};
fiber_local<from_factory> lazy{[] { return from_factory(1); }};

int before_main = ++*number;

}  // namespace

FIBER_TEST("each fiber has its own value, which follows it") {
  std::atomic<int> wrong = 0;
  support::crew crew;
  for (int i = 0; i < 50; ++i) {
    crew.go([&, i] {
      wrong += *number == 0 && *seven == 7 && *name == "nobody" && made->size() == 3 && *owner == nullptr ? 0 : 1;
      int* const place = &*number;
      *number = i;
      *name = std::to_string(i);
      *owner = std::make_unique<int>(i);
      for (int k = 0; k < 20; ++k) {
        runtime::gosched();
        time::sleep(10us);
        wrong += *number == i && *name == std::to_string(i) && **owner == i && &*number == place ? 0 : 1;
      }
    });
  }
  crew.join();
  CHECK(wrong == 0);
  CHECK(*number == 0);
}

FIBER_TEST("a value is destroyed when its fiber has returned or exited") {
  CHECK(census::alive == 0);
  for (const bool exits : {false, true}) {
    go([exits] {
      tracked_value->n = 1;
      if (exits) {
        runtime::goexit();
      }
    });
    CHECK(eventually([&] { return runtime::num_fibers() == 1; }));
    CHECK(census::alive == 0);
  }
}

PLAIN_TEST("main's values are destroyed before run returns, and its record is like new") {
  for (int i = 0; i < 3; ++i) {
    int alive = 0;
    run([&] {
      tracked_value->n = 1;
      alive = census::alive;
      CHECK(*number == 0);
      *number = 5;
    });
    CHECK(alive == 1);
    CHECK(census::alive == 0);
  }
}

PLAIN_TEST("a plain thread has its own values, destroyed when it ends") {
  CHECK(before_main == 1);
  CHECK(*number >= 1);
  std::thread([] {
    CHECK(*number == 0);
    *number = 3;
    tracked_value->n = 2;
    CHECK(census::alive == 1);
    run([] { CHECK(*number == 0); });
    CHECK(*number == 3);
  }).join();
  CHECK(census::alive == 0);
}

FIBER_TEST("a value is made at its first use and not before") {
  const int before = made_values;
  support::crew crew;
  for (int i = 0; i < 10; ++i) {
    crew.go([i] {
      if (i % 2 == 0) {
        static_cast<void>(*lazy);
        static_cast<void>(*lazy);
      }
    });
  }
  crew.join();
  CHECK(made_values == before + 5);
}

namespace {

struct order {
  explicit order(char c) : letter(c) {}
  order(const order&) = default;
  ~order();
  char letter;
};
sync::mutex log_guard;
std::string log_text;
fiber_local<order> first{[] { return order('a'); }};
fiber_local<order> second{[] { return order('b'); }};
fiber_local<order> third{[] {
  static_cast<void>(*second);
  return order('c');
}};
order::~order() {
  const std::scoped_lock hold(log_guard);
  log_text += letter;
}

struct uses_others {
  ~uses_others() {
    time::sleep(100us);
    *number += 1;
    auto ch = make_chan<int>();
    const int n = *number;
    go([ch, n] { ch << n; });
    seen = *ch;
    *name = "used";
  }
  static inline std::atomic<int> seen = 0;
};
fiber_local<uses_others> user;

struct throws_once {
  throws_once() {
    if (++attempts % 2 == 1) {
      panic("not yet");
    }
  }
  static inline std::atomic<int> attempts = 0;
};
fiber_local<throws_once> reluctant;

}  // namespace

FIBER_TEST("the value that was made last is destroyed first") {
  log_text.clear();
  go([] {
    static_cast<void>(*first);
    static_cast<void>(*third);
  });
  CHECK(eventually([] { return runtime::num_fibers() == 1; }));
  const std::scoped_lock hold(log_guard);
  CHECK(log_text == "cba");
}

FIBER_TEST("a destructor may block, and use values that have gone and that have not") {
  uses_others::seen = 0;
  go([] {
    static_cast<void>(*user);
    *number = 41;  // made after it: gone when it is destroyed, and made anew
  });
  CHECK(eventually([] { return uses_others::seen == 1; }));
  go([] {
    *number = 41;
    static_cast<void>(*user);
  });
  CHECK(eventually([] { return uses_others::seen == 42; }));
}

FIBER_TEST("a value whose making throws is tried again") {
  CHECK(support::panic_of([] { static_cast<void>(*reluctant); }) == "not yet");
  CHECK(support::panic_of([] { static_cast<void>(*reluctant); }) == "(no panic)");
}

FIBER_TEST("a fiber that is locked to its thread, and has values, ends as any") {
  for (int i = 0; i < 10; ++i) {
    go([] {
      runtime::lock_os_thread();
      tracked_value->n = 1;
      static_cast<void>(*user);
    });
  }
  CHECK(eventually([] { return runtime::num_fibers() == 1; }));
  CHECK(census::alive == 0);
}

PLAIN_TEST("the values of an abandoned fiber are not destroyed, and not found by those that come after") {
  const support::child_result r = support::run_child("abandons a fiber with values");
  CHECK(r.exited_with(0));
}
CHILD_PROGRAM("abandons a fiber with values") {
  run([] {
    auto in = make_chan<void>();
    go([in] {
      tracked_value->n = 1;
      *number = 9;
      in.send();
      select();
    });
    in.recv();
  });
  const int code = run([] { return *number; });
  return census::alive == 1 ? code : 1;
}

CHILD_PROGRAM("uses too many fiber_locals") {
  return run([] {
    auto* many = new std::vector<std::unique_ptr<fiber_local<int>>>;
    for (int i = 0; i < 4000; ++i) {
      **many->emplace_back(std::make_unique<fiber_local<int>>(i)) += 1;
    }
    for (int i = 0; i < 4000; ++i) {
      if (**(*many)[static_cast<std::size_t>(i)] != i + 1) {
        return 1;
      }
    }
    for (int i = 0; i < 200; ++i) {
      **many->emplace_back(std::make_unique<fiber_local<int>>(i)) += 1;
    }
    return 0;
  });
}
PLAIN_TEST("4,096 fiber_locals may be used; one more panics") {
  const support::child_result r = support::run_child("uses too many fiber_locals");
  CHECK(r.exited_with(2));
  CHECK(support::contains(r.err, "panic: gossamer: more than 4096 fiber_locals"));
}
