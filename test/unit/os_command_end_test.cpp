// os: how commands end: grandchildren that hold on to pipes, programs that are asked to end and do not, processes that
// the kernel reaps; and where they run.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::announcing;
using support::kill_left_behind;
using support::no_children;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// Starts a grandchild that keeps the pipes and writes its number; `then` is what the program does after that.
std::string leaving_behind(const std::string& then) { return "sleep 1000 & echo $!; " + then; }

// It says when it is ready, so that a signal does not come before its trap.
const char* const ends_when_asked = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
const char* const does_not_listen = "trap '' TERM; echo ready; exec sleep 1000";

}  // namespace

FIBER_TEST("exec: a command that goes leaves a grandchild that holds on to its output, and waits for nobody") {
  announcing text;
  announcing complaints;
  {
    os::command c("sh", "-c", leaving_behind("wait"));
    c.out = &text;
    c.err = &complaints;
    CHECK(c.start() == nil);
    CHECK(text.await());
  }
  announcing number;
  {
    // One that has ended by itself as well.
    os::command c("sh", "-c", "sleep 1000 & echo $! >&2; exit 0");
    c.err = &number;
    const auto [ctx, cancel] = context::with_cancel(context::background());
    go([&number, cancel] {
      CHECK(number.await());
      cancel();
    });
    c.output(ctx);
  }
  kill_left_behind(number);
  kill_left_behind(text);
  CHECK(no_children());
}

FIBER_TEST("exec: nobody reads on from a pipe for a program that has ended") {
  auto [r, w, no_pipe] = os::pipe();
  CHECK(no_pipe == nil);
  os::command c("true");
  c.in = r;
  CHECK(text_of(c.run()) == "nil");
  {
    os::command dropped("cat");
    dropped.in = r;
    CHECK(dropped.start() == nil);
  }
  os::command ended("cat");
  ended.in = r;
  CHECK(ended.start() == nil);
  auto [ctx, stop] = context::with_timeout(context::background(), 20ms);
  CHECK(text_of(ended.wait(ctx)) == "signal: killed");
  // The pipe is as it was.
  CHECK(w.write("x") == io::result(1, nil));
  char buf[1];
  CHECK(r.read(buf) == io::result(1, nil));
  CHECK(w.close() == nil);
  os::command fed("cat");
  fed.in = r;
  CHECK(fed.output() == std::pair(std::string(), error()));
  CHECK(r.close() == nil);
  os::command closed("cat");
  closed.in = r;
  CHECK(errors::is(closed.run(), os::closed));
  CHECK(no_children());
}

FIBER_TEST("exec: wait_delay bounds the wait for what others still write, and says so") {
  announcing text;
  os::command c("sh", "-c", leaving_behind("exit 0"));
  c.out = &text;
  c.wait_delay = 20ms;
  CHECK(c.start() == nil);
  CHECK(text.await());
  const error err = c.wait();
  CHECK(text_of(err) == "exec: WaitDelay expired before I/O complete");
  CHECK(errors::is(err, os::wait_delay));
  kill_left_behind(text);
  // An exit status says more.
  announcing more;
  os::command failing("sh", "-c", leaving_behind("exit 3"));
  failing.out = &more;
  failing.wait_delay = 20ms;
  CHECK(failing.start() == nil);
  CHECK(more.await());
  CHECK(text_of(failing.wait()) == "exit status 3");
  kill_left_behind(more);
  // One that is negative has passed already; and where nobody holds on it is not missed.
  announcing last;
  os::command at_once("sh", "-c", leaving_behind("exit 0"));
  at_once.out = &last;
  at_once.wait_delay = -1ns;
  CHECK(text_of(at_once.start()) == "nil");
  CHECK(last.await());
  CHECK(errors::is(at_once.wait(), os::wait_delay));
  kill_left_behind(last);
  os::command clean("echo", "x");
  clean.wait_delay = 1h;
  CHECK(clean.output() == std::pair(std::string("x\n"), error()));
  CHECK(no_children());
}

FIBER_TEST("exec: a program that is asked to end may say good-bye, and the context is the error") {
  auto [ctx, stop] = context::with_cancel(context::background());
  announcing text;
  os::command c("sh", "-c", ends_when_asked);
  c.out = &text;
  int asked = 0;
  c.cancel = [&] {
    ++asked;
    return c.signal(SIGTERM);
  };
  support::crew canceller;
  canceller.go([&, done = stop] {
    CHECK(text.await());
    done();
  });
  const error err = c.run(ctx);
  canceller.join();
  CHECK(err == context::canceled);
  CHECK(text_of(err) == "context canceled");
  CHECK(asked == 1);
  CHECK(text.all.text() == "ready\nbye\n");
  CHECK(no_children());
}

FIBER_TEST("exec: what cancel returns is the error, unless it says that the program has ended") {
  struct {
    error returned;
    const char* wanted;
  } const cases[] = {
      {os::process_done, "nil"},
      {errors::make("not now"), "exec: canceling Cmd: not now"},
      {nil, "context canceled"},
  };
  for (const auto& one : cases) {
    auto [ctx, stop] = context::with_cancel(context::background());
    auto [r, w, no_pipe] = os::pipe();
    os::command c("cat");
    c.in = r;
    c.out = io::discard;
    c.cancel = [&, writing = w] {
      writing.close();  // cat ends, with 0
      return one.returned;
    };
    CHECK(c.start() == nil);
    stop();
    CHECK(text_of(c.wait(ctx)) == one.wanted);
  }
  CHECK(no_children());
}

FIBER_TEST("exec: a program that does not end when it is asked to is killed after wait_delay") {
  auto [ctx, stop] = context::with_cancel(context::background());
  announcing text;
  os::command c("sh", "-c", does_not_listen);
  c.out = &text;
  c.cancel = [&] { return c.signal(SIGTERM); };
  c.wait_delay = 20ms;
  CHECK(c.start() == nil);
  CHECK(text.await());
  stop();
  const error err = c.wait(ctx);
  CHECK(text_of(err) == "signal: killed");
  CHECK(errors::is(err, context::canceled));
  CHECK(no_children());
}

FIBER_TEST("exec: a command whose cancel throws can still go") {
  auto [ctx, stop] = context::with_cancel(context::background());
  {
    os::command c("sleep", "1000");
    c.cancel = []() -> error { throw 1; };
    CHECK(c.start() == nil);
    stop();
    CHECK_THROWS_AS(c.wait(ctx), int);
  }
  CHECK(no_children());
}

FIBER_TEST("exec: a context that has ended starts nothing") {
  auto [ctx, stop] = context::with_cancel(context::background());
  stop();
  const std::string path = "/tmp/gossamer-" + std::to_string(::getpid()) + "-not-started";
  os::command c("touch", path);
  CHECK(c.run(ctx) == context::canceled);
  CHECK(c.pid() == 0);
  CHECK(::access(path.c_str(), F_OK) != 0);
  CHECK(text_of(c.start()) == "exec: already started");
}

FIBER_TEST("exec: where SIGCHLD is ignored a deadline is known all the same, and an exit status is not") {
  signal::ignore(SIGCHLD);
  auto [ctx, stop] = context::with_timeout(context::background(), 20ms);
  os::command c("sleep", "1000");
  const error err = c.run(ctx);
  CHECK(text_of(err) == "context deadline exceeded");
  CHECK(err == context::deadline_exceeded);
  CHECK(err.timeout());
  CHECK(text_of(os::command("true").run()) == "waitid: no child processes");
  // The number is not the process's any more, and no other process gets the signal.
  os::command gone("true");
  CHECK(gone.start() == nil);
  CHECK(support::eventually([&] { return ::kill(gone.pid(), 0) != 0; }));
  CHECK(gone.kill() == os::process_done);
  CHECK(errors::is(gone.wait(), std::errc::no_child_process));
  {
    os::command dropped("sleep", "1000");
    CHECK(dropped.start() == nil);
  }
  signal::reset(SIGCHLD);
  CHECK(os::command("true").run() == nil);
  CHECK(no_children());
}

// ---- where they run -------------------------------------------------------------------------------------------------

FIBER_TEST("exec: a relative program is looked for where it will run") {
  const std::string dir = "/tmp/gossamer-" + std::to_string(::getpid()) + "-dir";
  ::mkdir(dir.c_str(), 0700);
  const std::string path = dir + "/program";
  CHECK(::symlink("/bin/sh", path.c_str()) == 0);
  os::command here("./program", "-c", "echo there");
  here.dir = dir;
  CHECK(here.output() == std::pair(std::string("there\n"), error()));
  os::command above("../program");
  above.dir = dir;
  CHECK(text_of(above.run()) == "fork/exec ../program: no such file or directory");
  CHECK(text_of(os::command("./program").run()) == "fork/exec ./program: no such file or directory");
  ::unlink(path.c_str());
  ::rmdir(dir.c_str());
}

FIBER_TEST(
    "exec: PWD follows the directory, unless the environment is given; of entries with one name the last counts") {
  const auto pwd_of = [](os::command& c) { return c.output().first; };
  const auto print = [] { return std::make_unique<os::command>("printenv", "PWD"); };
  auto c = print();
  c->dir = "/usr/../tmp/";
  CHECK(pwd_of(*c) == "/tmp\n");
  // Links stay, as a shell has them.
  const std::string link = "/tmp/gossamer-" + std::to_string(::getpid()) + "-link";
  CHECK(::symlink("/usr", link.c_str()) == 0);
  c = print();
  c->dir = link;
  CHECK(pwd_of(*c) == link + "\n");
  ::unlink(link.c_str());
  c = print();
  c->dir = "/";
  c->env = std::vector<std::string>{"PWD=mine", "A=1", "A=2"};
  CHECK(c->environ() == std::vector<std::string>{"PWD=mine", "A=2"});
  CHECK(pwd_of(*c) == "mine\n");
  c = print();
  c->dir = "/";
  c->env = std::vector<std::string>();
  CHECK(pwd_of(*c).empty());
  c = print();
  const char* const own = std::getenv("PWD");
  CHECK(pwd_of(*c) == (own != nullptr ? own + std::string("\n") : std::string()));
  c->dir = "/tmp";
  const std::vector<std::string> all = c->environ();
  CHECK(std::count_if(all.begin(), all.end(), [](const std::string& s) { return s.starts_with("PWD="); }) == 1);
  CHECK(std::find(all.begin(), all.end(), "PWD=/tmp") != all.end());
  c->dir = ".";
  char here[4096];
  CHECK(::getcwd(here, sizeof here) != nullptr);
  const std::vector<std::string> dot = c->environ();
  const auto pwd = std::find_if(dot.begin(), dot.end(), [](const std::string& s) { return s.starts_with("PWD=/"); });
  CHECK(pwd != dot.end());
  if (pwd != dot.end()) {
    struct ::stat named{};
    struct ::stat is{};
    CHECK(::stat(pwd->c_str() + 4, &named) == 0);
    CHECK(::stat(here, &is) == 0);
    CHECK(named.st_ino == is.st_ino);
  }
}

FIBER_TEST("exec: the pipes of a program that was started are refused by their names") {
  os::command c("true");
  CHECK(c.run() == nil);
  CHECK(text_of(c.in_pipe().second) == "exec: StdinPipe after process started");
  CHECK(text_of(c.out_pipe().second) == "exec: StdoutPipe after process started");
  CHECK(text_of(c.err_pipe().second) == "exec: StderrPipe after process started");
}
