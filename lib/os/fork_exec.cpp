// fork_exec: see fork_exec.hpp.
#include "os/fork_exec.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <new>

#include "gossamer/detail/config.hpp"

// Calls into a sanitizer would change what it knows of this process.
#define GOSSAMER_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

namespace gossamer::inline v0::os {

namespace {

// As the kernel has them: glibc's keep two signals to themselves.
constexpr int signal_count = 64;
using signal_set = std::uint64_t;
constexpr signal_set all_signals = ~signal_set{0};

// What both processes write to, the child's stack with it: also where the rest is copied.
struct common {
  static constexpr std::size_t stack_bytes = std::size_t{32} << 10;

  const birth* what;
  pid_t parent;
  int problem;  // the child's errno; 0 if it has become the program
  alignas(16) std::byte stack[stack_bytes];
};

// ---- in the child ---------------------------------------------------------------------------------------------------

// Each returns the errno. By the kernel's calls themselves: glibc's setuid() changes every thread of what it takes for
// its process.
template <class... Args>
GOSSAMER_IN_CHILD inline int call(long number, Args... args) noexcept {
  return ::syscall(number, args...) < 0 ? errno : 0;
}

GOSSAMER_IN_CHILD int enter_session(const sys_proc_attr& a) noexcept {
  int problem = a.setsid ? call(SYS_setsid) : 0;
  if (problem == 0 && (a.setpgid || a.foreground)) {
    problem = call(SYS_setpgid, 0, a.pgid);
  }
  if (problem == 0 && a.foreground) {
    // While SIGTTOU is blocked, which asks for leave.
    const pid_t group = a.pgid != 0 ? a.pgid : static_cast<pid_t>(::syscall(SYS_getpid));
    problem = call(SYS_ioctl, a.ctty, TIOCSPGRP, &group);
  }
  return problem;
}

GOSSAMER_IN_CHILD int become(const credential& c) noexcept {
  int problem = c.no_set_groups ? 0 : call(SYS_setgroups, c.groups.size(), c.groups.data());
  if (problem == 0) {
    problem = call(SYS_setgid, c.gid);
  }
  return problem != 0 ? problem : call(SYS_setuid, c.uid);
}

// Behind become(), which makes the kernel forget it.
GOSSAMER_IN_CHILD int die_with(pid_t parent, int signal) noexcept {
  const int problem = call(SYS_prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0);
  if (problem == 0 && ::syscall(SYS_getppid) != parent) {  // it has died already
    return call(SYS_kill, ::syscall(SYS_getpid), signal);
  }
  return problem;
}

GOSSAMER_IN_CHILD int take(const birth& b) noexcept {
  int number = 0;
  for (const int from : b.numbers) {
    // The copy stays open in the program.
    const int problem = from < 0 ? call(SYS_close, number) : call(SYS_dup3, from, number, 0);
    if (problem != 0 && from >= 0) {
      return problem;
    }
    ++number;
  }
  if (b.attributes.noctty) {
    if (const int problem = call(SYS_ioctl, 0, TIOCNOTTY, 0)) {
      return problem;
    }
  }
  return b.attributes.setctty ? call(SYS_ioctl, b.attributes.ctty, TIOCSCTTY, 1) : 0;
}

GOSSAMER_IN_CHILD void forget_signals() noexcept {
  // As the kernel has a `struct sigaction`: zeros are the default. The call fails for the two that have no other.
  alignas(8) static constexpr unsigned char standard[64] = {};
  for (int s = 1; s <= signal_count; ++s) {
    ::syscall(SYS_rt_sigaction, s, standard, nullptr, sizeof(signal_set));
  }
  static constexpr signal_set none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

// How late timers may be, in ns, for programs as for this one's main thread. Workers are more precise, and a child
// would inherit that.
const int usual_slack = ::prctl(PR_GET_TIMERSLACK);

GOSSAMER_IN_CHILD int prepare(const birth& b, pid_t parent) noexcept {
  const sys_proc_attr& a = b.attributes;
  int problem = enter_session(a);
  if (problem == 0 && !a.chroot.empty()) {
    problem = call(SYS_chroot, a.chroot.c_str());
  }
  if (problem == 0 && a.credential) {
    problem = become(*a.credential);
  }
  if (problem == 0 && b.dir != nullptr) {
    problem = call(SYS_chdir, b.dir);
  }
  if (problem == 0 && a.pdeathsig.number() != 0) {
    problem = die_with(parent, a.pdeathsig.number());
  }
  return problem != 0 ? problem : take(b);
}

GOSSAMER_IN_CHILD int be_born(void* argument) {
  auto& c = *static_cast<common*>(argument);
  int problem = prepare(*c.what, c.parent);
  if (problem == 0) {
    forget_signals();
    static_cast<void>(call(SYS_prctl, PR_SET_TIMERSLACK, usual_slack, 0, 0, 0));
    problem = call(SYS_execve, c.what->path, c.what->args, c.what->env);
  }
  c.problem = problem;
  for (;;) {
    ::syscall(SYS_exit_group, 127);
  }
}

}  // namespace

// ---- in the parent --------------------------------------------------------------------------------------------------

int fork_exec(const birth& what, pid_t& child) noexcept {
  assert(what.path != nullptr && what.args != nullptr && what.args[0] != nullptr);
  // The thread sanitizer's clone() would tell this process that it is the child.
  const int sharing = what.attributes.credential || GOSSAMER_TSAN ? 0 : CLONE_VM;
  const int kind = (sharing != 0 ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const memory = ::mmap(nullptr, sizeof(common), PROT_READ | PROT_WRITE, kind, -1, 0);
  if (memory == MAP_FAILED) {
    return errno;
  }
  auto* const c = ::new (memory) common;
  c->what = &what;
  c->parent = ::getpid();
  c->problem = 0;
  signal_set before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &before, sizeof before);
  const pid_t pid = ::clone(be_born, c->stack + common::stack_bytes, sharing | CLONE_VFORK | SIGCHLD, c);
  int problem = pid < 0 ? errno : 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
  if (problem == 0 && c->problem != 0) {
    problem = c->problem;
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ::munmap(memory, sizeof(common));
  child = pid;
  return problem;
}

}  // namespace gossamer::inline v0::os
