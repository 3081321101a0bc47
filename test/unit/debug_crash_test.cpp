// debug: the file that gets the last report, too, and the limit of threads as the program sets it.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/debug.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using support::child_result;
using support::contains;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// A path for the child's report, and what stands there afterwards.
class crash_file {
 public:
  crash_file() : path_("/tmp/gossamer-" + std::to_string(::getpid()) + "-crash") { ::unlink(path_.c_str()); }
  crash_file(const crash_file&) = delete;
  crash_file& operator=(const crash_file&) = delete;
  ~crash_file() { ::unlink(path_.c_str()); }

  support::environment named(const std::string& knob = "") const { return {{"CRASH", path_}, {"GOSSAMER", knob}}; }
  std::string text() const { return os::read_file(path_).first; }

 private:
  std::string path_;
};

// In the child: the file is closed once it is given.
void report_to_file() {
  auto [f, err] = os::create(std::getenv("CRASH"));
  if (err || (err = debug::set_crash_output(f)) || (err = f.close())) {
    std::fprintf(stderr, "no crash output: %s\n", err.text().c_str());
    std::exit(99);
  }
}

[[gnu::noinline]] int overflow(int n) {
  volatile char room[1024];
  room[0] = static_cast<char>(n);
  return n == -1 ? 0 : overflow(n + 1) + room[0];
}

}  // namespace

CHILD_PROGRAM("crash output: panics") {
  return run([] {
    report_to_file();
    panic("that is it");
  });
}
CHILD_PROGRAM("crash output: is stuck") {
  return run([] {
    report_to_file();
    make_chan<int>().recv();
  });
}
CHILD_PROGRAM("crash output: overflows") {
  return run([] {
    report_to_file();
    return overflow(0);
  });
}
CHILD_PROGRAM("crash output: is told to quit") {
  return run([] {
    report_to_file();
    ::kill(::getpid(), SIGQUIT);
    time::sleep(60s);
  });
}
CHILD_PROGRAM("crash output: too many threads") {
  return run([] {
    report_to_file();
    debug::set_max_threads(0);
  });
}

PLAIN_TEST("set_crash_output: every last report stands in the file, as on stderr") {
  struct {
    const char* program;
    const char* first;  // of the report
  } const cases[] = {
      {"crash output: panics", "panic: that is it\n"},
      {"crash output: is stuck", "fatal error: all fibers are asleep - deadlock!\n"},
      {"crash output: overflows", "fatal error: stack overflow\n"},
      {"crash output: is told to quit", "SIGQUIT: quit\n"},
      {"crash output: too many threads", "runtime: program exceeds 0-thread limit\nfatal error: thread exhaustion\n"},
  };
  for (const auto& one : cases) {
    if ((GOSSAMER_ASAN || GOSSAMER_TSAN) && contains(one.first, "overflow")) {
      continue;  // the sanitizer's own report
    }
    const crash_file file;
    const child_result r = support::run_child(one.program, file.named());
    CHECK(r.exited_with(2));
    CHECK(contains(r.err, one.first));
    CHECK(file.text() == r.err);
  }
}

CHILD_PROGRAM("crash output: panics among others") {
  return run([] {
    report_to_file();
    std::fputs("said before\n", stderr);
    error dumped = debug::dump(2);  // is no report
    go(fiber_options{.name = "other"}, [] { time::sleep(60s); });
    runtime::gosched();
    panic("that is it");
  });
}

PLAIN_TEST(
    "set_crash_output: what is said before a report is not in the file; the other fibers are, where they are shown") {
  const crash_file file;
  const child_result r = support::run_child("crash output: panics among others", file.named("traceback=all"));
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "said before\n"));
  const std::string text = file.text();
  CHECK(text.starts_with("panic: that is it\n"));
  CHECK(contains(text, "\"other\""));
  CHECK(r.err.ends_with(text));
}

CHILD_PROGRAM("crash output: takes it back") {
  return run([] {
    report_to_file();
    report_to_file();
    error err = debug::set_crash_output(nil);
    report_to_file();
    err = debug::set_crash_output(os::file());
    panic("that is it");
  });
}

PLAIN_TEST("set_crash_output: nil undoes it, and the last file counts") {
  const crash_file file;
  const child_result r = support::run_child("crash output: takes it back", file.named());
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "panic: that is it\n"));
  CHECK(file.text().empty());
}

CHILD_PROGRAM("crash output: to a pipe that is gone") {
  return run([] {
    auto [r, w, err] = os::pipe();
    err = debug::set_crash_output(w);
    r.close();
    w.close();
    panic("that is it");
  });
}
CHILD_PROGRAM("crash output: to a pipe") {
  return run([] {
    auto [r, w, err] = os::pipe();
    err = debug::set_crash_output(w);
    w.close();
    // A program that watches this one writes what it has to say. The panic destroys what is in its way: not this.
    static os::command watch("sh", "-c", "cat <&3 >\"$CRASH\"");
    watch.extra_files = {r};
    if (watch.start()) {
      std::exit(99);
    }
    panic(std::string(200'000, 'x'));
  });
}

PLAIN_TEST("set_crash_output: a pipe gets all of a report, and one that nobody reads does not change the end") {
  const child_result gone = support::run_child("crash output: to a pipe that is gone");
  CHECK(gone.exited_with(2));
  CHECK(contains(gone.err, "panic: that is it\n"));
  const crash_file file;
  const child_result r = support::run_child("crash output: to a pipe", file.named());
  CHECK(r.exited_with(2));
  CHECK(support::eventually([&] { return file.text() == r.err; }));
}

FIBER_TEST("set_crash_output: a file that is closed is refused, and nothing is left open") {
  auto [f, err] = os::open("/dev/null");
  CHECK(text_of(debug::set_crash_output(f)) == "nil");
  CHECK(f.close() == nil);
  const error closed = debug::set_crash_output(f);
  CHECK(text_of(closed) == "dup /dev/null: file already closed");
  CHECK(errors::is(closed, os::closed));
  CHECK(text_of(debug::set_crash_output(nil)) == "nil");
}

// ---- threads --------------------------------------------------------------------------------------------------------

CHILD_PROGRAM("max threads: blocks more") {
  return run(
      [] {
        if (debug::set_max_threads(8) != 10'000 || debug::set_max_threads(8) != 8) {
          std::exit(99);
        }
        for (int i = 0; i < 20; ++i) {
          go([] { runtime::blocking([] { ::sleep(100); }); });
        }
        select();
      },
      {.procs = 2});
}
CHILD_PROGRAM("max threads: fewer than there are") {
  return run([] { debug::set_max_threads(1); }, {.procs = 2});
}
CHILD_PROGRAM("max threads: more than the variable says") {
  const int before = debug::set_max_threads(100);
  const int capped = debug::set_max_threads(1 << 30);
  return run(
      [&] {
        sync::wait_group wg;
        std::atomic<int> inside = 0;
        for (int i = 0; i < 20; ++i) {
          wg.go([&] {
            ++inside;
            runtime::blocking([&] {
              while (inside.load() < 20) {
                ::usleep(1000);
              }
            });
          });
        }
        wg.wait();
        return before == 8 && capped == 100 && debug::set_max_threads(50) == 10'000 ? 0 : 1;
      },
      {.procs = 2});
}

PLAIN_TEST(
    "set_max_threads: beyond it the process ends in Go's thread exhaustion, at once where there are more already") {
  const child_result blocked = support::run_child("max threads: blocks more");
  CHECK(blocked.exited_with(2));
  CHECK(contains(blocked.err, "runtime: program exceeds 8-thread limit\nfatal error: thread exhaustion\n"));
  const child_result fewer = support::run_child("max threads: fewer than there are");
  CHECK(fewer.exited_with(2));
  CHECK(contains(fewer.err, "runtime: program exceeds 1-thread limit\nfatal error: thread exhaustion\n"));
}

PLAIN_TEST("set_max_threads: replaces what the environment says, also before the first run, up to 10,000") {
  CHECK(support::run_child("max threads: more than the variable says", {{"GOSSAMER", "threads=8"}}).exited_with(0));
}
