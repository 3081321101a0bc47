// The floating-point control that a fiber begins with is its spawner's, and never a stranger's.
#include <fenv.h>

#include <atomic>
#include <thread>
#include <vector>

#include "inside.hpp"
#include "machine/float_control.hpp"

using namespace gossamer;
using machine::current_float_control;
using machine::float_control;
using machine::set_float_control;
using support::scale;

#if defined(__x86_64__)

namespace {

constexpr float_control nearest = 0x037f1f80;  // what a process begins with
constexpr float_control upward = 0x0b7f5f80;
constexpr float_control flush = 0x037f9fc0;             // to zero, denormals too
constexpr float_control single_precision = 0x007f1f80;  // of the x87

// While it lives the caller calculates otherwise.
struct otherwise_calculating {
  explicit otherwise_calculating(float_control c) : before(current_float_control()) { set_float_control(c); }
  otherwise_calculating(const otherwise_calculating&) = delete;
  otherwise_calculating& operator=(const otherwise_calculating&) = delete;
  ~otherwise_calculating() { set_float_control(before); }
  const float_control before;
};

}  // namespace

FIBER_TEST("a fiber begins with its spawner's rounding, flushing and precision, whoever ran there before it") {
  std::atomic<bool> over = false;
  std::atomic<int> strange = 0;
  support::crew others;
  for (const float_control theirs : {upward, flush, single_precision}) {
    others.go([&, theirs] {
      set_float_control(theirs);
      while (!over) {
        runtime::gosched();
        strange += current_float_control() != theirs;
      }
    });
    others.go([&, theirs] {
      set_float_control(theirs);
      while (!over) {
        time::sleep(20us);
      }
    });
    others.go([&, theirs] {  // its stack is taken over by the next one
      set_float_control(theirs);
    });
  }
  support::crew all;
  for (int i = 0; i < scale(4000); ++i) {
    const float_control mine[] = {nearest, upward, flush, single_precision};
    const float_control c = mine[i % 4];
    const otherwise_calculating for_now(c);
    all.go([&, c] {
      strange += current_float_control() != c;
      set_float_control(upward);  // and is left so
    });
    if (i % 3 == 0) {
      runtime::gosched();
    }
    if (i % 50 == 0) {
      time::sleep(20us);
    }
  }
  all.join();
  over = true;
  others.join();
  CHECK(strange == 0);
  CHECK(current_float_control() == nearest);
}

FIBER_TEST("what a timer starts begins as the process did, and so does a fiber on a thread that was made meanwhile") {
  std::atomic<int> strange = 0;
  std::atomic<int> came = 0;
  set_float_control(upward);
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(time::after_func(1us, [&] {
      strange += current_float_control() != nearest;
      ++came;
    }));
    runtime::lock_os_thread();  // another thread takes the place
    runtime::gosched();
    runtime::unlock_os_thread();
  }
  CHECK(support::eventually([&] { return came == 20; }));
  set_float_control(nearest);
  CHECK(strange == 0);
}

PLAIN_TEST("main and what a plain thread spawns begin with that thread's control") {
  std::atomic<float_control> seen{0};
  std::thread([&] {
    set_float_control(flush);
    run([&] { seen = current_float_control(); });
    CHECK(current_float_control() == flush);
  }).join();
  CHECK(seen == flush);
  run([&] {
    sync::wait_group done;
    done.add(1);
    std::thread([&] {
      set_float_control(upward);
      go([&] {
        seen = current_float_control();
        done.done();
      });
    }).join();
    done.wait();
    CHECK(seen == upward);
  });
}

FIBER_TEST("a fiber begins with no exception flags of others") {
  volatile double zero = 0;
  volatile double sink = 1 / zero;
  static_cast<void>(sink);
  std::atomic<int> strange = 0;
  support::crew all;
  for (int i = 0; i < 100; ++i) {
    all.go([&] {
      std::uint32_t mxcsr = 0;
      asm volatile("stmxcsr %0" : "=m"(mxcsr));
      strange += (mxcsr & FE_DIVBYZERO) != 0;
      volatile double mine = 1 / zero;
      static_cast<void>(mine);
    });
  }
  all.join();
  ::feclearexcept(FE_ALL_EXCEPT);
  CHECK(strange == 0);
}

#endif
