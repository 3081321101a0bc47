// A program that loads module.cpp. usage: host CASE MODULE. It prints `ok` where all was as it should be.
#include <dlfcn.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "module.hpp"

using namespace gossamer;

namespace {

[[noreturn]] void give_up(const char* what) {
  std::printf("not ok: %s\n", what);
  std::fflush(stdout);
  ::_exit(1);
}

void check(bool as_it_should, const char* what) {
  if (!as_it_should) {
    give_up(what);
  }
}

void* load(const char* file) {
  void* const module = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    give_up(::dlerror());
  }
  return module;
}

template <class Function>
Function find(void* module, const char* name) {
  void* const symbol = ::dlsym(module, name);
  check(symbol != nullptr, name);
  return reinterpret_cast<Function>(symbol);
}

bool is_loaded(const char* file) {
  void* const module = ::dlopen(file, RTLD_NOW | RTLD_NOLOAD);
  if (module != nullptr) {
    ::dlclose(module);
  }
  return module != nullptr;
}

struct own_error : std::logic_error {
  using std::logic_error::logic_error;
};

template <class Exception, class F>
std::string text_of(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "(none)";
}

void let_it_work(void* module) {
  sync::mutex mu;
  int count = 0;
  const module_task task{make_chan<int>(), make_chan<std::string>(2), make_chan<void>(), &mu, &count, [] {
                           runtime::gosched();
                           throw own_error("of the program's");
                         }};
  find<module_work>(module, "work")(task);
  go([&] {
    for (int i = 1; i <= 100; ++i) {
      task.in << i;
    }
    close(task.in);
  });
  std::set<std::string> got;
  for (const std::string& s : task.out) {
    got.insert(s);
  }
  check(got.size() == 101 && got.count("10000") == 1 && got.count("caught 3") == 1, "what the module has sent");
  const std::scoped_lock lock(mu);
  check(count == 100, "what the module has counted");
  check(text_of<std::runtime_error>(find<module_throw>(module, "throw_mine")) == "of the module's", "its exception");
  check(text_of<panic_error>(find<module_panic>(module, "panic_here")) == "in the module", "its panic");
}

// Loads, uses and unloads the module, twice; and fibers go on after that.
int use_and_unload(const char* file) {
  return run([=] {
    for (int round = 0; round < 2; ++round) {
      void* const module = load(file);
      let_it_work(module);
      while (runtime::num_fibers() > 1) {
        runtime::gosched();  // a fiber ends a moment after its last send
      }
      check(::dlclose(module) == 0, "dlclose");
      check(!is_loaded(file), "the module is unloaded");
      auto ch = make_chan<int>();
      for (int i = 0; i < 1000; ++i) {
        go([=] { ch << 1; });
      }
      for (int i = 0; i < 1000; ++i) {
        ch.recv();
      }
    }
  });
}

int start_mine() {
  return run([] { time::sleep(1ms); });
}

// This program once more, as `host start`.
int exec_another() {
  std::string words[] = {"host", "start", "none"};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = -1;
  check(::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, arguments, environ) == 0, "posix_spawn");
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    give_up("usage: host CASE MODULE");
  }
  const std::string_view what = argv[1];
  if (what == "use and unload") {
    check(use_and_unload(argv[2]) == 0, "run");
  } else if (what == "start") {
    return start_mine();
  } else if (what == "exec another") {
    check(start_mine() == 0 && exec_another() == 0, "run");
  } else if (what == "both are one") {
    // Both linked against one libgossamer.so, or the module's copy is hidden behind the program's.
    check(start_mine() == 0 && find<module_run>(load(argv[2]), "run_fibers")() == 4 && start_mine() == 0, "runs");
  } else if (what == "only mine starts") {
    void* const module = load(argv[2]);
    check(start_mine() == 0 && ::dlclose(module) == 0 && start_mine() == 0, "runs");
  } else if (what == "mine, then the module's") {
    void* const module = load(argv[2]);
    check(start_mine() == 0, "my run");
    find<module_run>(module, "run_fibers")();
    give_up("two copies run fibers");
  } else if (what == "the module's, then mine") {
    check(find<module_run>(load(argv[2]), "run_fibers")() == 4, "its run");
    start_mine();
    give_up("two copies run fibers");
  } else {
    give_up("no such case");
  }
  std::printf("ok\n");
  return 0;
}
