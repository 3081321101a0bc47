// The environment variable GOSSAMER: procs=4,stack=256k,seed=7. What is bad in it is named and ignored.
#include <cstdio>
#include <string>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;
using support::count_of;
using support::run_child;
using support::use_stack;

namespace {

child_result with_knob(const char* program, const std::string& value) {
  return run_child(program, {{"GOSSAMER", value}});
}

}  // namespace

CHILD_PROGRAM("tell procs") {
  return run([] { std::printf("%d", runtime::max_procs()); });
}
CHILD_PROGRAM("tell default procs") {
  return run([] { return runtime::max_procs() == runtime::num_cpu() ? 0 : 1; });
}
CHILD_PROGRAM("tell procs, options given") {
  return run([] { std::printf("%d", runtime::max_procs()); }, {.procs = 2, .seed = 1});
}
CHILD_PROGRAM("tell procs twice") {
  run([] { std::printf("%d ", runtime::max_procs()); });
  return run([] { std::printf("%d", runtime::max_procs()); });
}
CHILD_PROGRAM("tell procs without run") {
  auto ch = make_chan<int>();
  go([=] { ch << runtime::max_procs(); });
  std::printf("%d", *ch);
  return 0;
}
CHILD_PROGRAM("use 6 MiB of stack") {
  return run([] {
    auto done = make_chan<int>();
    go([=] { done << use_stack(std::size_t{6} << 20); });
    return *done > 0 ? 11 : 1;
  });
}
CHILD_PROGRAM("use 6 MiB of stack, options given") {
  return run(
      [] {
        auto done = make_chan<int>();
        go([=] { done << use_stack(std::size_t{6} << 20); });
        return *done > 0 ? 11 : 1;
      },
      {.stack_bytes = std::size_t{16} << 20});
}

PLAIN_TEST("without the knob there are as many workers as CPUs") {
  const child_result r = with_knob("tell default procs", "");
  CHECK(r.exited_with(0));
  CHECK(r.err == "");
}

PLAIN_TEST("procs sets the number of workers") {
  for (const std::string n : {"1", "3", "200", "256"}) {
    const child_result r = with_knob("tell procs", "procs=" + n);
    CHECK(r.exited_with(0));
    CHECK(r.out == n);
    CHECK(r.err == "");
  }
  CHECK(with_knob("tell procs without run", "procs=3").out == "3");
}

PLAIN_TEST("stack sets the size of stacks, in bytes or with a unit") {
  for (const char* size : {"16m", "16384k", "16777216", "16M", "1g"}) {
    const child_result r = with_knob("use 6 MiB of stack", std::string("stack=") + size);
    CHECK(r.exited_with(11));
    CHECK(r.err == "");
  }
  CHECK(!with_knob("use 6 MiB of stack", "stack=1m").exited_with(11));
}

PLAIN_TEST("seed takes any 64-bit number") {
  for (const char* seed : {"0", "7", "18446744073709551615"}) {
    const child_result r = with_knob("tell procs", std::string("procs=2,seed=") + seed);
    CHECK(r.out == "2");
    CHECK(r.err == "");
  }
}

PLAIN_TEST("several settings are separated by commas, in any order") {
  const child_result r = with_knob("tell procs", "seed=1,stack=512k,procs=5");
  CHECK(r.out == "5");
  CHECK(r.err == "");
}

PLAIN_TEST("a bad key or value gets one clear message and is ignored; the rest counts") {
  const std::vector<std::string> bad = {"procs=0",
                                        "procs=-1",
                                        "procs=257",
                                        "procs=x",
                                        "procs=",
                                        "procs",
                                        "procs=2x",
                                        "procs= 2",
                                        "procs=1.5",
                                        "procs=99999999999999999999",
                                        "stack=1",
                                        "stack=2g",
                                        "stack=abc",
                                        "stack=1q",
                                        "stack=k",
                                        "stack=-1",
                                        "stack=99999999999999999g",
                                        "dump=",
                                        "dump=SIGQUIT",
                                        "traceback=2",
                                        "traceback",
                                        "leaks=",
                                        "leaks=exit2",
                                        "poller=",
                                        "poller",
                                        "poller=kqueue",
                                        "poller=ASIO",
                                        "seed=-1",
                                        "seed=x",
                                        "seed=18446744073709551616",
                                        "colour=red",
                                        "PROCS=2",
                                        "=",
                                        "=5"};
  for (const std::string& item : bad) {
    const child_result r = with_knob("tell procs", "procs=3," + item + ",seed=1");
    const bool named = contains(r.err, item) && contains(r.err, "GOSSAMER");
    if (!r.exited_with(0) || r.out != "3" || !named || count_of(r.err, "\n") != 1) {
      FAIL_CHECK(item << ": exit code " << r.code << ", out `" << r.out << "`, err `" << r.err << "`");
    }
  }
}

PLAIN_TEST("two bad settings get two messages, once in the life of the process") {
  const child_result r = with_knob("tell procs twice", "procs=none,size=5");
  CHECK(r.exited_with(0));
  CHECK(contains(r.err, "procs=none"));
  CHECK(contains(r.err, "size=5"));
  CHECK(count_of(r.err, "\n") == 2);
}

PLAIN_TEST("options in code win over the knob") {
  CHECK(with_knob("tell procs, options given", "procs=7,seed=2").out == "2");
  CHECK(with_knob("use 6 MiB of stack, options given", "stack=256k").exited_with(11));
}
