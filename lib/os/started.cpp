// started: see started.hpp. How a command starts, is fed and listened to, and ends.
#include "os/started.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>
#include <tuple>

#include "gossamer/detail/run_number.hpp"
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

error command::started::start(const command& c, const net::ending& end) {
  assert(!running_);
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
  assert(what.numbers.size() == static_cast<std::size_t>(lowest_free_));
  assert(std::all_of(what.numbers.begin(), what.numbers.end(), [&](int n) { return n == -1 || n >= lowest_free_; }));
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
  assert(has_pipe(which));
  copies_in_ = detail::run_number();
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

// False if the limit has come first, or if they are abandoned and never will have copied all.
bool command::started::await_copiers(const wait::limit& limit) {
  return !detail::is_abandoned(copies_in_) && copying_.wait_until(limit);
}

// Nobody asks any more what becomes of it.
void command::started::abandon() {
  if (!process.is_reaped()) {  // else what came behind that has thrown
    process.send(SIGKILL);
    static_cast<void>(process.await_end({}));
    int unused = 0;
    process.reap(unused);
  }
  // Others may have inherited what it wrote to, and live on.
  close_own();
  await_copiers();
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
    return await_copiers(wait::limit::of(until));
  }
  if (c.cancel) {
    return await_copiers();
  }
  return !killed && await_copiers(end.stop());
}

// Source: Go's Cmd.Wait and watchCtx.
error command::started::wait(const command& c, const net::ending& end) {
  assert(running_ && !waited_);
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
  await_copiers();
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
