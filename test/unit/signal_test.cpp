// Signals: users' handlers run on ordinary stacks, whatever the workers do.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>

#include "fiber_test.hpp"

using namespace gossamer;

namespace {

std::set<std::string> names_of_threads() {
  std::set<std::string> names;
  DIR* const folder = ::opendir("/proc/self/task");
  while (const dirent* entry = ::readdir(folder)) {
    std::ifstream file(std::string("/proc/self/task/") + entry->d_name + "/comm");
    std::string name;
    if (std::getline(file, name)) {
      names.insert(name);
    }
  }
  ::closedir(folder);
  return names;
}

// Written by the handler.
std::atomic<int> handled{0};
std::atomic<int> on_other_threads{0};
std::atomic<std::uintptr_t> lowest{UINTPTR_MAX};
std::atomic<std::uintptr_t> highest{0};

[[maybe_unused]] void note_where(int) {
  const char here = 0;
  const auto at = reinterpret_cast<std::uintptr_t>(&here);
  if (::gettid() != ::getpid()) {
    ++on_other_threads;
  }
  if (at < lowest) {
    lowest = at;
  }
  if (at > highest) {
    highest = at;
  }
  ++handled;
}

// Whether the thread blocks the signal, by /proc.
bool blocks(const std::string& thread, int signal) {
  std::ifstream file("/proc/self/task/" + thread + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 7, "SigBlk:") == 0) {
      return ((std::stoull(line.substr(7), nullptr, 16) >> (signal - 1)) & 1) != 0;
    }
  }
  return false;
}

}  // namespace

FIBER_TEST("the runtime's threads are called goss/w0, goss/w1, and so on, and goss/mon") {
  std::set<std::string> wanted = {"goss/mon"};
  for (int i = 0; i < support::width(); ++i) {
    wanted.insert("goss/w" + std::to_string(i));
  }
  // Each names itself as soon as it runs.
  CHECK(support::eventually([&] {
    const std::set<std::string> names = names_of_threads();
    return std::includes(names.begin(), names.end(), wanted.begin(), wanted.end());
  }));
}

FIBER_TEST("the runtime's threads block asynchronous signals, and no others") {
  DIR* const folder = ::opendir("/proc/self/task");
  int seen = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string thread = entry->d_name;
    std::ifstream file("/proc/self/task/" + thread + "/comm");
    std::string name;
    if (std::getline(file, name) && name.rfind("goss/", 0) == 0) {
      ++seen;
      for (const int signal : {SIGUSR1, SIGALRM, SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGQUIT, SIGHUP}) {
        CHECK(blocks(thread, signal));
      }
      for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF}) {
        CHECK_FALSE(blocks(thread, signal));
      }
    }
  }
  ::closedir(folder);
  CHECK(seen > support::width());
}

#if !GOSSAMER_TSAN  // which keeps a signal back until its thread calls something that it intercepts
FIBER_TEST("a handler runs on the stack of a thread that the runtime did not start") {
  handled = on_other_threads = 0;
  lowest = UINTPTR_MAX;
  highest = 0;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = note_where;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, &before);
  support::crew crew;
  std::atomic<bool> stop = false;
  for (int i = 0; i < 16; ++i) {
    crew.go([&, i] {
      while (!stop) {
        i % 2 == 0 ? runtime::gosched() : time::sleep(20us);
      }
    });
  }
  // One after the other: a signal that is pending already would be merged with the next.
  const int count = support::scale(500);
  for (int i = 0; i < count; ++i) {
    ::kill(::getpid(), SIGUSR1);
    if (!support::eventually([&] { return handled > i; })) {
      break;
    }
  }
  stop = true;
  crew.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  CHECK(handled == count);
  CHECK(on_other_threads == 0);  // there is only the one that called run()
  // One ordinary stack: the handler's frame always lay near the same place, and not on the fiber's that asks here.
  CHECK(highest - lowest < 1 << 20);
  const char here = 0;
  const auto mine = reinterpret_cast<std::uintptr_t>(&here);
  CHECK((mine < lowest || mine > highest));
}
#endif
