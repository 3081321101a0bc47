// os: how programs have ended, what they used, how a command is printed, and where programs are found.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>

#include "commands.hpp"

using namespace gossamer;
using support::no_children;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// $PATH is this, while it lives.
class path_is {
 public:
  explicit path_is(const std::string& path) : before_(std::getenv("PATH")) { ::setenv("PATH", path.c_str(), 1); }
  ~path_is() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

// The current directory is a new one with a program `prog` and a folder `bin` with a program `other`, while it lives.
class in_new_directory {
 public:
  in_new_directory() : back_(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    char name[] = "/tmp/gossamer-XXXXXX";
    CHECK(::mkdtemp(name) != nullptr);
    dir_ = name;
    CHECK(::chdir(name) == 0);
    CHECK(::symlink("/bin/echo", "prog") == 0);
    CHECK(::mkdir("bin", 0700) == 0);
    CHECK(::symlink("/bin/echo", "bin/other") == 0);
  }
  in_new_directory(const in_new_directory&) = delete;
  in_new_directory& operator=(const in_new_directory&) = delete;
  ~in_new_directory() {
    ::unlink("bin/other");
    ::rmdir("bin");
    ::unlink("prog");
    CHECK(::fchdir(back_) == 0);
    ::close(back_);
    CHECK(::rmdir(dir_.c_str()) == 0);
  }

 private:
  int back_;
  std::string dir_;
};

}  // namespace

FIBER_TEST("exec: the state says how a program ended, and is null before") {
  os::command good("true");
  CHECK(good.process_state() == nullptr);
  CHECK(good.start() == nil);
  CHECK(good.process_state() == nullptr);
  CHECK(good.wait() == nil);
  const os::process_state* state = good.process_state();
  CHECK(state != nullptr);
  CHECK(state->pid() == good.pid());
  CHECK(state->exited());
  CHECK(state->success());
  CHECK(state->exit_code() == 0);
  CHECK(state->signal() == os::signal());
  CHECK(state->sys() == 0);
  CHECK(state->text() == "exit status 0");

  os::command bad("sh", "-c", "exit 7");
  const error err = bad.run();
  state = bad.process_state();
  CHECK(state->exited());
  CHECK(!state->success());
  CHECK(state->exit_code() == 7);
  CHECK(state->text() == "exit status 7");
  CHECK(errors::as<os::exit_error>(err)->state().pid() == bad.pid());
  CHECK(errors::as<os::exit_error>(err)->status() == 7 << 8);

  os::command killed("sh", "-c", "kill -TERM $$");
  CHECK(text_of(killed.run()) == "signal: terminated");
  state = killed.process_state();
  CHECK(!state->exited());
  CHECK(!state->success());
  CHECK(state->exit_code() == -1);
  CHECK(state->signal() == SIGTERM);
  std::ostringstream printed;
  printed << *state;
  CHECK(printed.str() == "signal: terminated");

  os::command none("/no/such");
  CHECK(none.run() != nil);
  CHECK(none.process_state() == nullptr);
  CHECK(no_children());
}

PLAIN_TEST("exec: of a program that left a core the state says so") {
  const int dumped = SIGSEGV | 0x80;
  CHECK(os::process_state(1, dumped, {}).text() == "signal: segmentation fault (core dumped)");
  CHECK(os::process_state(1, SIGSEGV, {}).text() == "signal: segmentation fault");
  CHECK(os::process_state().success());
}

FIBER_TEST("exec: the times are the program's and its children's, and the kernel's account of it is there") {
  os::command c("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
  CHECK(c.run() == nil);
  const os::process_state& s = *c.process_state();
  CHECK(s.user_time() + s.system_time() > 0ns);
  const ::rusage& usage = s.sys_usage();
  CHECK(s.user_time() ==
        std::chrono::seconds(usage.ru_utime.tv_sec) + std::chrono::microseconds(usage.ru_utime.tv_usec));
  CHECK(s.system_time() ==
        std::chrono::seconds(usage.ru_stime.tv_sec) + std::chrono::microseconds(usage.ru_stime.tv_usec));
  CHECK(usage.ru_maxrss > 0);
  CHECK(no_children());
}

FIBER_TEST("exec: where SIGCHLD is ignored there is no state") {
  signal::ignore(SIGCHLD);
  os::command c("true");
  CHECK(text_of(c.run()) == "waitid: no child processes");
  CHECK(c.process_state() == nullptr);
  signal::reset(SIGCHLD);
  CHECK(no_children());
}

FIBER_TEST("exec: a command's text is the path of its program and its arguments") {
  const std::string path = os::look_path("echo").first;
  CHECK(path.ends_with("/echo"));
  os::command c("echo", "a", "b c");
  CHECK(c.text() == path + " a b c");
  CHECK(c.output() == std::pair(std::string("a b c\n"), error()));
  CHECK(c.text() == path + " a b c");
  CHECK(os::command("no-such-program-here", "-x").text() == "no-such-program-here -x");
  CHECK(os::command("./x", "y").text() == "./x y");
}

FIBER_TEST("exec: a program that $PATH finds relative to the current directory is refused, and its path told") {
  const in_new_directory here;
  for (const std::string folders : {".", "", ":/bin", "/no/such:", "/no/such::/bin", "./"}) {
    const path_is only(folders.empty() ? ":" : folders);
    const auto [path, err] = os::look_path("prog");
    CHECK(text_of(err) == "exec: \"prog\": cannot run executable found relative to current directory");
    CHECK(errors::is(err, os::err_dot));
    CHECK(!errors::is(err, os::not_found));
    const error refused = os::command("prog").run();
    CHECK(errors::is(refused, os::err_dot));
    CHECK(text_of(refused) == text_of(err));
    CHECK(os::command("prog", "x").text() == "prog x");
    // Who means it.
    CHECK(os::command(path, "meant").output() == std::pair(std::string("meant\n"), error()));
    CHECK(os::command("./prog", "too").output() == std::pair(std::string("too\n"), error()));
  }
  {
    const path_is bin("bin");
    const auto [path, err] = os::look_path("other");
    CHECK(path == "bin/other");
    CHECK(errors::is(err, os::err_dot));
    CHECK(errors::is(os::look_path("prog").second, os::not_found));
  }
  {
    // The first that is found counts.
    const path_is later("/bin:.");
    CHECK(os::look_path("echo") == std::pair(std::string("/bin/echo"), error()));
    CHECK(errors::is(os::look_path("prog").second, os::err_dot));
  }
  {
    const path_is none("");
    CHECK(errors::is(os::look_path("prog").second, os::not_found));
  }
  CHECK(no_children());
}
