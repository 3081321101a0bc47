// How many CPUs the process may use, and that the number of workers follows it.
#include "base/cpus.hpp"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::run_child;

namespace {

// A directory that stands for the root of the file system.
class fake_root {
 public:
  fake_root() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gossamer-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) {
      path_ = pattern;
    }
  }
  fake_root(const fake_root&) = delete;
  fake_root& operator=(const fake_root&) = delete;
  ~fake_root() { std::filesystem::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  int quota() const { return base::quota_cpus(path_); }

 private:
  std::string path_;
};

}  // namespace

PLAIN_TEST("the quota of cgroup v2 counts in whole CPUs, rounded up, and the tightest group above counts") {
  const fake_root root;
  CHECK(root.quota() == 0);
  root.write("/proc/self/cgroup", "1:name=systemd:/old\n0::/a/b\n");
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/a/b/cpu.max", "350000 100000\n");
  CHECK(root.quota() == 4);
  root.write("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
  CHECK(root.quota() == 2);
  root.write("/sys/fs/cgroup/a/cpu.max", "900000 100000\n");
  CHECK(root.quota() == 4);
  root.write("/sys/fs/cgroup/a/b/cpu.max", "1000 100000\n");
  CHECK(root.quota() == 1);
  root.write("/proc/self/cgroup", "0::/\n");  // as in a container of its own
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  CHECK(root.quota() == 3);
}

PLAIN_TEST("the quota of cgroup v1 counts too") {
  const fake_root root;
  root.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n");
  CHECK(root.quota() == 3);
}

PLAIN_TEST("of the limits the least counts; that of the main thread only once it has changed") {
  const base::cpu_limits pinned{.of_process = 1, .of_thread = 8, .quota = 0};
  CHECK(base::usable_cpus(pinned, pinned) == 8);
  CHECK(base::usable_cpus(pinned, {.of_process = 1, .of_thread = 8, .quota = 6}) == 6);
  CHECK(base::usable_cpus(pinned, {.of_process = 4, .of_thread = 8, .quota = 6}) == 4);
  CHECK(base::usable_cpus(pinned, {.of_process = 4, .of_thread = 2, .quota = 6}) == 2);
  CHECK(base::usable_cpus(pinned, {.of_process = 1, .of_thread = 0, .quota = 0}) == 1);
}

namespace {

// CPUs that the process was allowed when the child began.
cpu_set_t allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  return set;
}

cpu_set_t first_of(const cpu_set_t& set) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) {
      CPU_SET(i, &one);
      break;
    }
  }
  return one;
}

}  // namespace

CHILD_PROGRAM("affinity changes") {
  const cpu_set_t all = allowed();
  const cpu_set_t one = first_of(all);
  return run([&] {
    const int before = runtime::max_procs();
    ::sched_setaffinity(::getpid(), sizeof one, &one);
    const bool narrowed = support::eventually([] { return runtime::max_procs() == 1; });
    ::sched_setaffinity(::getpid(), sizeof all, &all);
    const bool widened = support::eventually([=] { return runtime::max_procs() == before; });
    std::printf("%d %d %d %d\n", before == runtime::num_cpu(), before, narrowed, widened);
  });
}
CHILD_PROGRAM("affinity changes, but procs were set") {
  const cpu_set_t all = allowed();
  const cpu_set_t one = first_of(all);
  const std::string how = std::getenv("HOW") != nullptr ? std::getenv("HOW") : "";
  const auto body = [&] {
    if (how == "call") {
      runtime::max_procs(3);
    }
    ::sched_setaffinity(::getpid(), sizeof one, &one);
    const auto end = std::chrono::steady_clock::now() + 1500ms;
    while (std::chrono::steady_clock::now() < end) {
      runtime::gosched();
    }
    return runtime::max_procs();
  };
  return how == "option" ? run(body, {.procs = 3}) : run(body);
}

PLAIN_TEST("max_procs follows the affinity mask while fibers run, unless it was set") {
  const cpu_set_t all = allowed();
  if (CPU_COUNT(&all) < 2) {
    return;  // there is nothing to narrow
  }
  child_result r[4];
  std::thread at_once[4];
  const support::environment each[4] = {
      {{"GOSSAMER", ""}},
      {{"GOSSAMER", "procs=3"}},
      {{"GOSSAMER", ""}, {"HOW", "option"}},
      {{"GOSSAMER", ""}, {"HOW", "call"}},
  };
  for (int i = 0; i < 4; ++i) {
    at_once[i] = std::thread(
        [&, i] { r[i] = run_child(i == 0 ? "affinity changes" : "affinity changes, but procs were set", each[i]); });
  }
  for (std::thread& t : at_once) {
    t.join();
  }
  CHECK(r[0].exited_with(0));
  CHECK(r[0].out == "1 " + std::to_string(runtime::num_cpu()) + " 1 1\n");
  for (int i = 1; i < 4; ++i) {
    CHECK(r[i].exited_with(3));  // procs
  }
}

CHILD_PROGRAM("default procs") {
  const cpu_set_t all = allowed();
  const cpu_set_t one = first_of(all);
  const auto body = [&] {
    const int usable = runtime::num_cpu();
    const int before = runtime::max_procs();
    runtime::max_procs(5);
    runtime::set_default_max_procs();
    const int undone = runtime::max_procs();
    runtime::set_default_max_procs();
    const int again = runtime::max_procs();
    // At once where somebody knows of the change, and by itself from then on.
    ::sched_setaffinity(::getpid(), sizeof one, &one);
    runtime::set_default_max_procs();
    const bool narrowed = runtime::max_procs() == 1;
    ::sched_setaffinity(::getpid(), sizeof all, &all);
    const bool widened = support::eventually([=] { return runtime::max_procs() == usable; });
    std::printf("%d %d %d %d %d\n", before, undone == usable, again == usable, narrowed, widened);
  };
  run(body, {.procs = 3});
  run(body);
  return 0;
}

PLAIN_TEST("set_default_max_procs undoes what was set, in any way, until the next run, and max_procs follows again") {
  const child_result r = run_child("default procs", {{"GOSSAMER", "procs=4"}});
  CHECK(r.exited_with(0));
  CHECK(r.out == "3 1 1 1 1\n4 1 1 1 1\n");
}

FIBER_TEST("set_default_max_procs: from a fiber, as often as one likes") {
  const int mine = runtime::max_procs();
  for (int i = 0; i < 20; ++i) {
    runtime::max_procs(1 + i % 4);
    runtime::set_default_max_procs();
    CHECK(runtime::max_procs() == runtime::num_cpu());
  }
  runtime::max_procs(mine);
}

FIBER_TEST("who sleeps is woken on time where its worker is not wanted any more and the others always have work") {
  const int mine = runtime::max_procs();
  runtime::max_procs(4);
  support::crew sleepers;
  std::atomic<int> asleep = 0, woken = 0;
  constexpr int all = 40;
  for (int i = 0; i < all; ++i) {
    sleepers.go([&] {
      support::spin_for(500us);  // others take their share
      ++asleep;
      time::sleep(20ms);
      ++woken;
    });
  }
  CHECK(support::eventually([&] { return asleep == all; }));
  runtime::max_procs(1);
  CHECK(support::eventually([&] { return woken == all; }));  // which yields all the time
  sleepers.join();
  runtime::max_procs(mine);
}
