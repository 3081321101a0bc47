// os: sessions, process groups, terminals, users and roots of programs, and their end with this process.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/os/file.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "child.hpp"
#include "commands.hpp"

using namespace gossamer;
using support::no_children;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// Fields of /proc/PID/stat behind the name: 3 the state, 4 the parent, 5 the group, 6 the session, 7 the terminal.
long field_of(const std::string& stat, int which) {
  const char* at = std::strrchr(stat.c_str(), ')');
  for (int i = 2; at != nullptr && i < which; ++i) {
    at = std::strchr(at + 1, ' ');
  }
  return at != nullptr ? std::atol(at + 1) : -1;
}

struct seen {
  long process = 0;
  long group = 0;
  long session = 0;
  long terminal = 0;
  long foreground = 0;
};

// How the program sees itself.
seen look(const os::sys_proc_attr& attributes, error& err) {
  os::command c("cat", "/proc/self/stat");
  c.sys_proc_attr = attributes;
  std::string stat;
  std::tie(stat, err) = c.output();
  return {c.pid(), field_of(stat, 5), field_of(stat, 6), field_of(stat, 7), field_of(stat, 8)};
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace

FIBER_TEST("exec: a program's timers are as late as this one's were, not as early as the workers'") {
  const auto [own, err] = os::read_file("/proc/" + std::to_string(::getpid()) + "/timerslack_ns");
  CHECK(err == nil);
  const auto [slack, failed] = os::command("cat", "/proc/self/timerslack_ns").output();
  CHECK(failed == nil);
  CHECK(slack == own);
}

FIBER_TEST("exec: a program leads a session of its own, or a group, or joins one") {
  error err;
  const seen usual = look({}, err);
  CHECK(text_of(err) == "nil");
  CHECK(usual.group == ::getpgrp());
  CHECK(usual.session == ::getsid(0));

  const seen session = look({.setsid = true}, err);
  CHECK(text_of(err) == "nil");
  CHECK(session.session == session.process);
  CHECK(session.group == session.process);
  CHECK(session.terminal == 0);

  const seen group = look({.setpgid = true}, err);
  CHECK(text_of(err) == "nil");
  CHECK(group.group == group.process);
  CHECK(group.session == ::getsid(0));

  os::command leader("sleep", "1000");
  leader.sys_proc_attr.setpgid = true;
  CHECK(leader.start() == nil);
  const seen joined = look({.setpgid = true, .pgid = leader.pid()}, err);
  CHECK(text_of(err) == "nil");
  CHECK(joined.group == leader.pid());
  CHECK(leader.kill() == nil);
  CHECK(text_of(leader.wait()) == "signal: killed");
  CHECK(no_children());
}

FIBER_TEST("exec: what the kernel refuses before the program runs is the command's error") {
  error err;
  look({.setsid = true, .setpgid = true}, err);
  CHECK(text_of(err).starts_with("fork/exec /"));
  CHECK(text_of(err).ends_with("/cat: operation not permitted"));
  CHECK(errors::is(err, std::errc::operation_not_permitted));
  CHECK(errors::is(err, os::permission));
  look({.setpgid = true, .pgid = 1}, err);
  CHECK(errors::is(err, std::errc::operation_not_permitted));
  look({.chroot = "/no/such"}, err);
  CHECK(err != nil);
  look({.chroot = std::string("/\0x", 3)}, err);
  CHECK(errors::is(err, std::errc::invalid_argument));
  look({.foreground = true, .ctty = -1}, err);
  CHECK(errors::is(err, std::errc::bad_file_descriptor));
  look({.pdeathsig = 1000}, err);
  CHECK(errors::is(err, std::errc::invalid_argument));
  look({.setctty = true, .ctty = 3}, err);
  CHECK(text_of(err).ends_with("/cat: Setctty set but Ctty not valid in child"));
  look({.foreground = true, .setctty = true}, err);
  CHECK(text_of(err).ends_with("/cat: both Setctty and Foreground set in SysProcAttr"));
  CHECK(no_children());
}

FIBER_TEST("exec: a terminal becomes the program's own, or is given to its group") {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) {
    MESSAGE("no pseudo-terminals here");
    return;
  }
  CHECK(::grantpt(master) == 0);
  CHECK(::unlockpt(master) == 0);
  char name[64];
  CHECK(::ptsname_r(master, name, sizeof name) == 0);
  auto [terminal, no_terminal] = os::open_file(name, O_RDWR | O_NOCTTY, 0);
  CHECK(text_of(no_terminal) == "nil");
  os::command c("sh", "-c", "cat /proc/self/stat; tty <&3");
  c.sys_proc_attr = {.setsid = true, .setctty = true, .ctty = 3};
  c.extra_files = {terminal};
  const auto [out, err] = c.output();
  CHECK(text_of(err) == "nil");
  CHECK(field_of(out, 6) == c.pid());
  CHECK(field_of(out, 7) != 0);
  CHECK(field_of(out, 8) == c.pid());
  CHECK(out.ends_with(std::string(name) + "\n"));
  // It is not this process's.
  os::command other("true");
  other.sys_proc_attr = {.foreground = true, .ctty = terminal.native_handle()};
  CHECK(errors::is(other.run(), std::errc::inappropriate_io_control_operation));
  CHECK(terminal.close() == nil);
  ::close(master);
  CHECK(no_children());
}

CHILD_PROGRAM("puts a program into the foreground of its terminal") {
  return gossamer::run([] {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
        ::ptsname_r(master, name, sizeof name) != 0) {
      return 77;
    }
    ::setsid();
    const int terminal = ::open(name, O_RDWR | O_CLOEXEC);  // the session's, from now on
    os::command c("cat", "/proc/self/stat");
    c.sys_proc_attr = {.foreground = true, .ctty = terminal};
    const auto [stat, err] = c.output();
    std::printf("%s\n", text_of(err).c_str());
    return field_of(stat, 5) == c.pid() && field_of(stat, 7) != 0 && field_of(stat, 8) == c.pid() ? 0 : 1;
  });
}

PLAIN_TEST("exec: a program gets its session's terminal for its group, though it asks from the background") {
  const support::child_result r = support::run_child("puts a program into the foreground of its terminal");
  if (!r.exited_with(77)) {
    CHECK(r.exited_with(0));
    CHECK(r.out == "nil\n");
  }
}

FIBER_TEST("exec: a program runs as another user, in groups of its own, and this process is none the less to be seen") {
  os::command c("sh", "-c", "id -u; id -g; id -G");
  c.dir = "/";
  c.sys_proc_attr.credential = os::credential{.uid = 65534, .gid = 65533, .groups = {65531, 65532}};
  const auto [out, err] = c.output();
  if (!is_root()) {
    CHECK(text_of(err).ends_with("/sh: operation not permitted"));
    return;
  }
  CHECK(text_of(err) == "nil");
  CHECK(out == "65534\n65533\n65533 65531 65532\n");
  CHECK(::prctl(PR_GET_DUMPABLE) == 1);
  os::command none("id", "-G");
  none.sys_proc_attr.credential = os::credential{.uid = 65534, .gid = 65533};
  CHECK(none.output() == std::pair(std::string("65533\n"), error()));
  // What it may not do as that user.
  const std::string closed = "/tmp/gossamer-" + std::to_string(::getpid()) + "-closed";
  CHECK(::mkdir(closed.c_str(), 0700) == 0);
  os::command away("true");
  away.dir = closed;
  away.sys_proc_attr.credential = os::credential{.uid = 65534, .gid = 65533};
  CHECK(errors::is(away.run(), os::permission));
  CHECK(::rmdir(closed.c_str()) == 0);
  CHECK(no_children());
}

FIBER_TEST("exec: a program's root is its own, and its path and directory are looked for there") {
  if (!is_root()) {
    return;
  }
  // The root is this system's, from another name: what is needed to run a program is there.
  os::command same("/bin/sh", "-c", "pwd");
  same.sys_proc_attr.chroot = "/proc/self/root";
  same.dir = "/usr";
  CHECK(same.output() == std::pair(std::string("/usr\n"), error()));
  os::command nothing_there("/bin/sh");
  nothing_there.sys_proc_attr.chroot = "/proc/self/fd";
  CHECK(text_of(nothing_there.run()) == "fork/exec /bin/sh: no such file or directory");
  os::command no_dir("/bin/sh");
  no_dir.sys_proc_attr.chroot = "/usr";
  no_dir.dir = "/usr";
  CHECK(text_of(no_dir.run()) == "fork/exec /bin/sh: no such file or directory");
  CHECK(no_children());
}

// ---- the end with this process --------------------------------------------------------------------------------------

namespace {

bool is_gone(int process) {
  return support::eventually([&] {
    const auto [stat, err] = os::read_file("/proc/" + std::to_string(process) + "/stat");
    return err || field_of(stat, 4) == 0 || stat.find(") Z") != stat.npos;
  });
}

}  // namespace

CHILD_PROGRAM("is killed with a program that is to end with it") {
  return gossamer::run([] {
    os::command c("sleep", "1000");
    c.sys_proc_attr.pdeathsig = SIGKILL;
    if (const error err = c.start()) {
      std::printf("%s\n", err.text().c_str());
    }
    std::printf("%d\n", c.pid());
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
  });
}

PLAIN_TEST("exec: pdeathsig ends a program when this process is killed") {
  const support::child_result r = support::run_child("is killed with a program that is to end with it");
  CHECK(r.signal == SIGKILL);
  const int program = std::atoi(r.out.c_str());
  CHECK(program > 0);
  CHECK(is_gone(program));
}

FIBER_TEST("exec: a program with pdeathsig outlives the thread that has started it") {
  os::command c("sleep", "1000");
  c.sys_proc_attr.pdeathsig = SIGKILL;
  runtime::blocking([&] { std::thread([&] { CHECK(c.start() == nil); }).join(); });
  auto [ctx, cancel] = context::with_timeout(context::background(), 20ms);
  const error err = c.wait(ctx);
  // By the context, and not by the thread's end before.
  CHECK(errors::is(err, context::deadline_exceeded));
  cancel();
  CHECK(no_children());
}

FIBER_TEST("exec: pdeathsig goes with a user of its own") {
  os::command c("sh", "-c", "grep -c . /proc/self/status >/dev/null; id -u");
  c.sys_proc_attr.pdeathsig = SIGTERM;
  if (is_root()) {
    c.sys_proc_attr.credential = os::credential{.uid = 65534, .gid = 65534};
    c.dir = "/";
  }
  const auto [out, err] = c.output();
  CHECK(text_of(err) == "nil");
  CHECK(out == (is_root() ? "65534" : std::to_string(::getuid())) + "\n");
  CHECK(no_children());
}
