// child: see child.hpp.
#include "os/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <source_location>

#include "gossamer/runtime.hpp"
#include "net/fd.hpp"

namespace gossamer::inline v0::os {

namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& all) {
  std::vector<char*> pointers;
  pointers.reserve(all.size() + 1);
  for (const std::string& s : all) {
    pointers.push_back(const_cast<char*>(s.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two arguments, for as long as it lives.
struct plan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int problem = 0;

  explicit plan(const program& what) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    if (!what.dir.empty()) {
      add(::posix_spawn_file_actions_addchdir_np(&actions, what.dir.c_str()));
    }
    for (int i = 0; i < 3; ++i) {
      add(::posix_spawn_file_actions_adddup2(&actions, what.numbers[i], i));
    }
    // Workers block all signals; and what this process ignores the program need not.
    sigset_t set;
    ::sigemptyset(&set);
    add(::posix_spawnattr_setsigmask(&attributes, &set));
    ::sigfillset(&set);
    add(::posix_spawnattr_setsigdefault(&attributes, &set));
    add(::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  plan(const plan&) = delete;
  plan& operator=(const plan&) = delete;
  ~plan() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  void add(int result) noexcept { problem = problem != 0 ? problem : result; }
};

}  // namespace

child::~child() {
  if (pidfd_ >= 0) {
    ::close(pidfd_);
  }
}

int child::start(const program& what) {
  const plan p(what);
  if (p.problem != 0) {
    return p.problem;
  }
  const std::vector<char*> args = pointers_to(what.args);
  const std::vector<char*> env = what.env ? pointers_to(*what.env) : std::vector<char*>();
  pid_t pid = 0;
  const int problem = runtime::blocking([&] {
    return ::posix_spawn(&pid, what.path.c_str(), &p.actions, &p.attributes, args.data(),
                         what.env ? env.data() : environ);
  });
  if (problem == 0) {
    pid_ = pid;
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    lost_ = pidfd_ < 0 && errno == ESRCH;
  }
  return problem;
}

bool child::has_ended() const noexcept {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) != 0 ? errno != EINTR
                                                                                           : info.si_pid != 0;
}

net::trouble child::await_end(const net::ending& end, detail::deadline until) const {
  const auto where = std::source_location::current();
  const int number = pidfd_ >= 0 ? ::fcntl(pidfd_, F_DUPFD_CLOEXEC, 0) : -1;
  net::fd f;
  if (number < 0 || f.open(number, false)) {
    if (number >= 0) {
      ::close(number);
    }
    await_by_blocking(end.stop(), until);
    return {has_ended()           ? net::trouble::kind::none
            : end.stop().is_set() ? net::trouble::kind::ended
                                  : net::trouble::kind::timed_out};
  }
  static_cast<void>(f.set_deadline(true, true, until));
  net::operation op(f, net::way::in, end, where);
  for (net::trouble t = op.next();; t = op.next()) {
    if (has_ended()) {
      return {};
    }
    if (t) {
      return t;
    }
  }
}

void child::await_by_blocking(wait::stop end, detail::deadline until) const {
  constexpr timespec step{.tv_sec = 0, .tv_nsec = 10'000'000};
  while (!has_ended() && !end.is_set() && detail::now() < until) {
    runtime::blocking([&] {
      if (end.core() != nullptr || until != detail::no_deadline) {
        ::nanosleep(&step, nullptr);
      } else {
        siginfo_t info;
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
      }
    });
  }
}

int child::reap(int& problem) noexcept {
  int status = 0;
  const std::scoped_lock hold(guard_);
  pid_t r = 0;
  do {
    r = ::waitpid(pid_, &status, 0);
  } while (r < 0 && errno == EINTR);
  problem = r < 0 ? errno : 0;
  reaped_ = true;
  return status;
}

int child::send(int signal) noexcept {
  const std::scoped_lock hold(guard_);
  if (reaped_ || lost_) {
    return -1;
  }
  if (pidfd_ >= 0) {
    const int problem = ::syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0) == 0 ? 0 : errno;
    if (problem == 0 || problem == ESRCH) {
      return problem;
    }
  }
  // Where that call is not there, or is forbidden.
  return ::kill(pid_, signal) == 0 ? 0 : errno;
}

}  // namespace gossamer::inline v0::os
