// started: see started.hpp. How a command starts, is fed and listened to, and ends.
#include "os/started.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>
#include <tuple>

#include "gossamer/errors.hpp"
#include "gossamer/go.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net/conn.hpp"
#include "os/environment.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

namespace {

// What the context says by itself, as in Go: `context deadline exceeded`.
error own_error(const net::ending& end) {
  error err = end.err();
  error own = errors::unwrap(err);
  return own ? own : err;
}

// Whether the program finds the same directories as this process.
bool is_seen_as_here(const sys_proc_attr& a) noexcept { return a.chroot.empty() && !a.credential; }

// Source: Go's syscall.forkExec. `count`: how many descriptors the program gets.
error refuse(const sys_proc_attr& a, std::size_t count) {
  if (!is_path(a.chroot)) {
    return system_error(EINVAL);
  }
  if (a.setctty && a.foreground) {
    return errors::make("both Setctty and Foreground set in SysProcAttr");
  }
  if (a.setctty && (a.ctty < 0 || static_cast<std::size_t>(a.ctty) >= count)) {
    return errors::make("Setctty set but Ctty not valid in child");
  }
  return nullptr;
}

}  // namespace

// ---- starting -------------------------------------------------------------------------------------------------------

// This process's end parks fibers; the program's blocks.
std::pair<file, error> command::started::make_pipe(int which, const char* name) {
  int numbers[2];
  if (::pipe2(numbers, O_CLOEXEC) != 0) {
    return {nullptr, syscall_error("pipe2", errno)};
  }
  const int ours = which == 0 ? numbers[1] : numbers[0];
  lent_[index(which)].lend(which == 0 ? numbers[0] : numbers[1], true);
  ::fcntl(ours, F_SETFL, O_NONBLOCK);
  net::trouble t;
  file f = watched_file(name, ours, t);
  if (t) {
    return {nullptr, syscall_error(t.call, t.code)};
  }
  own_[index(which)] = f;
  return {std::move(f), nullptr};
}

error command::started::open_null(int which) {
  const int n = ::open("/dev/null", (which == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
  if (n < 0) {
    return path_error("open", "/dev/null", system_error(errno));
  }
  lent_[index(which)].lend(n, true);
  return nullptr;
}

error command::started::open_source(file_core& from) {
  const using_file inside(from);
  if (!inside) {
    return from.fail("dup", {net::trouble::kind::shut});
  }
  const int n = ::fcntl(from.number(), F_DUPFD_CLOEXEC, 0);
  if (n < 0) {
    return from.fail("dup", errno);
  }
  net::trouble refused;
  source_ = watched_file(from.name(), n, refused);
  return refused ? from.fail("dup", refused) : error();
}

// Finds what becomes the program's `which`.
error command::started::connect(int which, const io::reader& from, const io::writer& to) {
  if (lent_[index(which)].number() >= 0) {
    return nullptr;  // a pipe that was asked for
  }
  if (which == 0 ? !from : !to) {
    return open_null(which);
  }
  const file* const f = which == 0 ? from.as<file>() : to.as<file>();
  file_core* const core = f != nullptr ? file_access::core(*f) : nullptr;
  if (core != nullptr && !core->is_watched()) {
    net::trouble t;
    const int n = core->lend(lowest_free_, t);
    if (t) {
      return core->fail("dup", t);
    }
    lent_[index(which)].lend(n, true);
    return nullptr;
  }
  if (core != nullptr && which == 0) {
    if (error failure = open_source(*core)) {
      return failure;
    }
  }
  return make_pipe(which, which == 0 ? "|stdin" : which == 1 ? "|stdout" : "|stderr").second;
}

error command::started::connect_extra(const std::vector<file>& files) {
  lent_too_ = std::vector<lent_number>(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    file_core* const core = file_access::core(files[i]);
    if (core == nullptr) {
      continue;
    }
    net::trouble t;
    const int n = core->lend(lowest_free_, t);
    if (t) {
      return core->fail("dup", t);
    }
    lent_too_[i].lend(n, true);
  }
  return nullptr;
}

// Source: Go's Cmd.Start. A name with a slash is the kernel's to find, from where the program will run.
error command::started::describe(const command& c, program& what) {
  if (c.name_.empty()) {
    return errors::make("exec: no command");
  }
  what.path = c.name_;
  if (c.name_.find('/') == c.name_.npos) {
    error not_there;
    std::tie(what.path, not_there) = look_path(c.name_);
    if (not_there) {
      return not_there;
    }
  }
  what.args = {c.name_};
  what.args.insert(what.args.end(), c.args_.begin(), c.args_.end());
  what.dir = c.dir;
  if (c.env || !c.dir.empty()) {
    what.env = environment_of(c.env, c.dir);
    if (!std::all_of(what.env->begin(), what.env->end(), is_path)) {
      return errors::make("exec: environment variable contains NUL");
    }
  }
  what.attributes = c.sys_proc_attr;
  if (error misuse = refuse(what.attributes, 3 + c.extra_files.size())) {
    return path_error("fork/exec", what.path, std::move(misuse));
  }
  if (!c.dir.empty() && is_seen_as_here(what.attributes)) {
    if (const error no_dir = stat(c.dir).second) {
      return path_error("chdir", c.dir, errors::unwrap(no_dir));
    }
  }
  if (!is_path(what.path) || !std::all_of(what.args.begin(), what.args.end(), is_path)) {
    return path_error("fork/exec", what.path, system_error(EINVAL));
  }
  return nullptr;
}

// `copies`: those that a fiber has to copy.
error command::started::connect_all(const command& c, std::array<bool, 3>& copies) {
  lowest_free_ = 3 + static_cast<int>(c.extra_files.size());
  const bool both = c.out && c.out == c.err && !has_pipe(1) && !has_pipe(2);
  for (int i = 0; i < 3; ++i) {
    const bool asked_for = has_pipe(i);
    if (i == 2 && both) {
      lent_[2].lend(lent_[1].number(), false);
    } else if (error failure = connect(i, c.in, i == 1 ? c.out : c.err)) {
      return failure;
    }
    if (const int problem = lent_[index(i)].raise(lowest_free_)) {
      return syscall_error("fcntl", problem);
    }
    copies[index(i)] = has_pipe(i) && !asked_for;
  }
  return connect_extra(c.extra_files);
}

error command::started::start(const command& c, const net::ending& end) {
  program what;
  if (error failure = describe(c, what)) {
    return failure;
  }
  if (end.stop().is_set()) {
    return own_error(end);
  }
  std::array<bool, 3> copies{};
  if (error failure = connect_all(c, copies)) {
    return failure;
  }
  if (error failure = start_as(what)) {
    return failure;
  }
  for (int i = 0; i < 3; ++i) {
    if (copies[index(i)]) {
      copy(i, c.in, i == 1 ? c.out : c.err);
    }
  }
  return nullptr;
}

error command::started::start_as(program& what) {
  for (const lent_number& n : lent_) {
    what.numbers.push_back(n.number());
  }
  for (const lent_number& n : lent_too_) {
    what.numbers.push_back(n.number());
  }
  const int problem = process.start(what);
  for (lent_number& n : lent_) {
    n.done();
  }
  lent_too_.clear();
  if (problem != 0) {
    return path_error("fork/exec", what.path, system_error(problem));
  }
  path_ = what.path;
  running_ = true;
  return nullptr;
}

void command::started::copy(int which, const io::reader& from, const io::writer& to) {
  copying_.go([this, which, from = source_ && which == 0 ? io::reader(source_) : from, to, end = own_[index(which)]] {
    error failure = which == 0 ? io::copy(end, from).second : io::copy(to, end).second;
    // The program need not read all, nor need it be there still. Source: Go's skipStdinCopyError.
    if (which != 0 || !(errors::is(failure, std::errc::broken_pipe) || errors::is(failure, closed))) {
      keep_first(std::move(failure));
    }
    static_cast<void>(end.close());
  });
}

void command::started::keep_first(error failure) {
  const std::scoped_lock hold(guard_);
  if (!first_) {
    first_ = std::move(failure);
  }
}

// ---- waiting --------------------------------------------------------------------------------------------------------

// By way of release(), which takes the number out of the poller's set: it would stay there while `in` is open.
void command::started::close_source() noexcept {
  const int number = source_ ? file_access::core(source_)->fd().release() : -1;
  if (number >= 0) {
    ::close(number);
  }
}

void command::started::close_own() noexcept {
  close_source();
  for (const file& f : own_) {
    if (f) {
      static_cast<void>(f.close());
    }
  }
}

// Nobody asks any more what becomes of it.
void command::started::abandon() {
  process.send(SIGKILL);
  static_cast<void>(process.await_end({}));
  int unused = 0;
  process.reap(unused);
  // Others may have inherited what it wrote to, and live on.
  close_own();
  copying_.wait();
}

// `end` has come, and the program runs. What the command fails with if the program itself has not failed.
error command::started::interrupt(const command& c, const net::ending& end) {
  if (!c.cancel) {
    process.send(SIGKILL);
    return own_error(end);
  }
  const error refused = c.cancel();
  if (!refused) {
    return own_error(end);
  }
  return errors::is(refused, process_done) ? error() : errors::wrap(refused, "exec: canceling Cmd");
}

// Others may have inherited what it wrote to, and live on. False if it was not waited until all is copied.
bool command::started::await_copies(const command& c, const net::ending& end, bool killed, detail::deadline until) {
  if (until != detail::no_deadline) {
    return copying_.wait_until(net::time_point(std::chrono::nanoseconds(until)));
  }
  if (c.cancel) {
    copying_.wait();
    return true;
  }
  return !killed && copying_.wait_until(end.stop());
}

// Source: Go's Cmd.Wait and watchCtx.
error command::started::wait(const command& c, const net::ending& end) {
  waited_ = true;
  const auto delayed = [&] {
    return c.wait_delay.count() != 0 ? detail::after(detail::now(), c.wait_delay) : detail::no_deadline;
  };
  error cause;
  detail::deadline until = detail::no_deadline;
  const bool ended = static_cast<bool>(process.await_end(end));
  if (ended) {
    until = delayed();
    cause = interrupt(c, end);
    if (process.await_end({}, until)) {
      process.send(SIGKILL);
      static_cast<void>(process.await_end({}));
    }
  }
  until = ended ? until : delayed();
  int problem = 0;
  const os::process_state state = process.reap(problem);
  if (problem == 0) {
    state_ = state;
  }
  close_source();
  const bool all_copied = await_copies(c, end, ended, until);
  close_own();
  copying_.wait();
  finished_ = true;
  if (!all_copied && !cause && c.wait_delay.count() == 0) {
    cause = own_error(end);
  }
  if (!state.success()) {
    return exit_error(state, std::move(cause));
  }
  if (cause) {
    return cause;
  }
  if (problem != 0) {
    return syscall_error("waitid", problem);
  }
  return all_copied ? first_ : error(os::wait_delay);
}

}  // namespace gossamer::inline v0::os
