// child: see child.hpp.
#include "os/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <ctime>
#include <source_location>

#include "gossamer/runtime.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "net/fd.hpp"
#include "os/fork_exec.hpp"

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

}  // namespace

child::~child() {
  if (pidfd_ >= 0) {
    ::close(pidfd_);
  }
}

int child::start(const program& what) {
  if (what.attributes.pdeathsig.number() == 0) {
    return start_here(what);
  }
  // The program gets its signal when the thread ends that has started it. A fiber's never does.
  int problem = 0;
  sync::wait_group started;
  started.go([&] { problem = start_here(what); });
  started.wait();
  return problem;
}

int child::start_here(const program& what) {
  assert(pid_ == 0);
  const std::vector<char*> args = pointers_to(what.args);
  const std::vector<char*> env = what.env ? pointers_to(*what.env) : std::vector<char*>();
  const birth b{.path = what.path.c_str(),
                .args = args.data(),
                .env = what.env ? env.data() : environ,
                .dir = what.dir.empty() ? nullptr : what.dir.c_str(),
                .numbers = what.numbers,
                .attributes = what.attributes};
  pid_t pid = 0;
  const int problem = runtime::blocking([&] { return fork_exec(b, pid); });
  if (problem == 0) {
    assert(pid > 0);
    pid_ = pid;
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    lost_ = pidfd_ < 0 && errno == ESRCH;
  }
  return problem;
}

bool child::has_ended() const noexcept {
  assert(pid_ > 0);
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

process_state child::reap(int& problem) noexcept {
  int status = 0;
  ::rusage usage{};
  const std::scoped_lock hold(guard_);
  assert(pid_ > 0);  // else any child of this process would do
  pid_t r = 0;
  do {
    r = ::wait4(pid_, &status, 0, &usage);
  } while (r < 0 && errno == EINTR);
  problem = r < 0 ? errno : 0;
  reaped_ = true;
  return process_state(pid_, status, usage);
}

int child::send(int signal) noexcept {
  const std::scoped_lock hold(guard_);
  assert(pid_ > 0);  // else the signal would be for this process's group
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
