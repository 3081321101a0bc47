// Exceptions and switches: a fiber may park inside a catch, or in a destructor while an exception is on its way, and
// resume on another thread; what it had thrown and caught stays its own.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;

namespace {

// Gives the worker to others, in a way that depends on n; the fiber may come back on another thread.
void step_aside(int n) {
  if (n % 3 == 0) {
    time::sleep(std::chrono::microseconds(n % 50));
  } else if (n % 3 == 1) {
    auto ch = make_chan<int>();
    go([=] { ch << n; });
    ch.recv();
  } else {
    runtime::gosched();
  }
}

struct thrown {
  int number;
};

// Parks while an exception is on its way through it.
struct parks_when_destroyed {
  int number;
  int uncaught_outside;
  std::atomic<int>& wrong;
  ~parks_when_destroyed() {
    wrong += std::uncaught_exceptions() != uncaught_outside + 1;
    step_aside(number);
    wrong += std::uncaught_exceptions() != uncaught_outside + 1;
  }
};

// Runs body(i, n, wrong) in 20 fibers at once, several times each; the number of wrongs that they saw.
template <class Body>
int crowd(Body body) {
  std::atomic<int> wrong = 0;
  sync::wait_group all;
  constexpr int fibers = 20;
  all.add(fibers);
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; n < scale(400); ++n) {
        body(i * 1000 + n, wrong);
        wrong += std::uncaught_exceptions() != 0;
        wrong += std::current_exception() != nullptr;
      }
      all.done();
    });
  }
  all.wait();
  return wrong;
}

}  // namespace

FIBER_TEST("a fiber may park inside a catch, and still has its own exception afterwards") {
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          try {
            throw thrown{n};
          } catch (const thrown& e) {
            const std::exception_ptr before = std::current_exception();
            step_aside(n);
            wrong += e.number != n;
            wrong += std::current_exception() != before;
            wrong += std::uncaught_exceptions() != 0;
          }
        }) == 0);
}

FIBER_TEST("a fiber may rethrow after it parked inside a catch") {
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          int caught = -1;
          try {
            try {
              throw thrown{n};
            } catch (...) {
              step_aside(n);
              throw;
            }
          } catch (const thrown& e) {
            step_aside(n + 1);
            caught = e.number;
          }
          wrong += caught != n;
        }) == 0);
}

FIBER_TEST("a fiber may park in a destructor while an exception is on its way") {
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          int caught = -1;
          try {
            const parks_when_destroyed d{n, 0, wrong};
            throw thrown{n};
          } catch (const thrown& e) {
            caught = e.number;
          }
          wrong += caught != n;
        }) == 0);
}

FIBER_TEST("catches nest, with a park at every level") {
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          try {
            throw thrown{n};
          } catch (const thrown& outer) {
            step_aside(n);
            try {
              const parks_when_destroyed d{n + 1, 0, wrong};
              throw thrown{-n};
            } catch (const thrown& inner) {
              step_aside(n + 2);
              wrong += inner.number != -n;
              try {
                throw std::runtime_error(std::to_string(n));
              } catch (const std::exception& innermost) {
                step_aside(n);
                wrong += innermost.what() != std::to_string(n);
              }
              step_aside(n + 1);
            }
            wrong += outer.number != n;
            try {
              throw;
            } catch (const thrown& again) {
              wrong += again.number != n || &again != &outer;
            }
          }
        }) == 0);
}

FIBER_TEST("an exception inside a destructor during unwinding is caught there, parks included") {
  struct throws_inside {
    int number;
    std::atomic<int>& wrong;
    ~throws_inside() {
      wrong += std::uncaught_exceptions() != 1;
      try {
        step_aside(number);
        const parks_when_destroyed d{number, 1, wrong};
        throw thrown{-number};
      } catch (const thrown& e) {
        step_aside(number + 1);
        wrong += e.number != -number;
        wrong += std::uncaught_exceptions() != 1;
      }
    }
  };
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          try {
            const throws_inside t{n, wrong};
            throw thrown{n};
          } catch (const thrown& e) {
            wrong += e.number != n;
          }
        }) == 0);
}

FIBER_TEST("an exception can be carried from one fiber to another and thrown there") {
  auto ch = make_chan<std::exception_ptr>();
  for (int i = 0; i < 20; ++i) {
    go([=] {
      try {
        throw thrown{i};
      } catch (...) {
        runtime::gosched();
        ch << std::current_exception();
      }
    });
  }
  int sum = 0;
  for (int i = 0; i < 20; ++i) {
    try {
      std::rethrow_exception(*ch);
    } catch (const thrown& e) {
      runtime::gosched();
      sum += e.number;
    }
  }
  CHECK(sum == 190);
}

FIBER_TEST("a fiber that starts inside another's catch begins with no exception") {
  auto out = make_chan<int>();
  try {
    throw thrown{1};
  } catch (const thrown&) {
    for (int i = 0; i < 10; ++i) {
      go([=] { out << std::uncaught_exceptions() + (std::current_exception() != nullptr ? 100 : 0); });
      CHECK(*out == 0);
    }
    CHECK(std::current_exception() != nullptr);
  }
  CHECK(std::current_exception() == nullptr);
}

FIBER_TEST("a fiber that ended inside a catch of its worker's history leaves no exception to its successor") {
  for (int i = 0; i < scale(5000); ++i) {
    auto out = make_chan<bool>();
    go([=] {
      const bool clean = std::current_exception() == nullptr && std::uncaught_exceptions() == 0;
      try {
        throw thrown{i};
      } catch (...) {
        out << clean;
        return;
      }
    });
    if (!*out) {
      FAIL_CHECK("round " << i);
    }
  }
}

FIBER_TEST("a fiber that moves to another thread while it handles an exception takes it along") {
  if (support::width() == 1) {
    return;
  }
  // Until some have resumed on another thread than the one that threw.
  std::atomic<int> wrong = 0, moved = 0;
  sync::wait_group all;
  constexpr int fibers = 8;
  all.add(fibers);
  const auto limit = std::chrono::steady_clock::now() + support::patience;
  for (int i = 0; i < fibers; ++i) {
    go([&, i] {
      for (int n = 0; moved < 20 && std::chrono::steady_clock::now() < limit; ++n) {
        try {
          throw thrown{i};
        } catch (const thrown& e) {
          const pid_t before = ::gettid();  // not this_thread::get_id(): compilers take it for constant
          support::spin_for(std::chrono::microseconds(i * 5));
          step_aside(n);
          moved += ::gettid() != before;
          wrong += e.number != i;
          try {
            throw;
          } catch (const thrown& again) {
            wrong += again.number != i;
          }
        }
        wrong += std::current_exception() != nullptr;
      }
      all.done();
    });
  }
  all.wait();
  CHECK(wrong == 0);
  CHECK(moved >= 20);
}

FIBER_TEST("a panic that func carries through its defers, parks included, stays its fiber's own") {
  CHECK(crowd([](int n, std::atomic<int>& wrong) {
          int recovered = -1;
          func([&](defers& defer) {
            defer([&] {
              step_aside(n);
              const auto p = defer.recover();
              step_aside(n + 1);
              recovered = *p->value<int>();
              wrong += std::uncaught_exceptions() != 0;
            });
            const parks_when_destroyed d{n, 0, wrong};
            panic(n);
          });
          wrong += recovered != n;
        }) == 0);
}

FIBER_TEST("a panic is an exception that can be caught, with its text") {
  CHECK(support::panic_of([] { panic("a text"); }) == "a text");
  try {
    panic("another");
  } catch (const std::exception& e) {
    runtime::gosched();
    CHECK(std::string(e.what()) == "another");
  }
  const panic_error copy = panic_error("kept");
  CHECK(panic_error(copy).text() == "kept");
}
