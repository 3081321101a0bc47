// A shared object of a user's: linked against libgossamer.so, or with a copy of its own, and loaded by host.cpp.
#include "module.hpp"

#include <mutex>
#include <stdexcept>
#include <string>

using namespace gossamer;

namespace {

struct trouble : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void square(const module_task& task) {
  for (bool more = true; more;) {
    int n = 0;
    switch (select(recv(task.in, n, more), recv(task.stop))) {
      case 0:
        if (more) {
          const std::scoped_lock lock(*task.mu);
          ++*task.count;
          task.out << std::to_string(n * n);
        }
        break;
      default:
        more = false;
    }
  }
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void work(const module_task& given) {
  go([task = given] {
    sync::wait_group workers;
    for (int i = 0; i < 3; ++i) {
      workers.go([&] { square(task); });
    }
    workers.go([] {
      defer d{[] { runtime::gosched(); }};
      runtime::goexit();
    });
    // Exceptions of the module's, the program's and the library's, each with a switch on its way.
    int caught = 0;
    try {
      defer d{[] { time::sleep(100us); }};
      throw trouble("mine");
    } catch (const trouble&) {
      runtime::gosched();
      ++caught;
    }
    try {
      task.callback();
    } catch (const std::exception&) {
      ++caught;
    }
    func([&](defers& defer) {
      defer([&] { caught += defer.recover() ? 1 : 0; });
      panic("module");
    });
    workers.wait();
    task.out << "caught " + std::to_string(caught);
    close(task.out);
  });
}

[[gnu::visibility("default")]] void throw_mine() {
  runtime::gosched();
  throw trouble("of the module's");
}

[[gnu::visibility("default")]] void panic_here() { panic("in the module"); }

[[gnu::visibility("default")]] int run_fibers() {
  return run([] {
    auto ch = make_chan<int>();
    go([=] { ch << 4; });
    return *ch;
  });
}

}  // extern "C"
