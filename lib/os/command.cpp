// command: see gossamer/os/command.hpp.
#include "gossamer/os/command.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <mutex>

#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/go.hpp"
#include "gossamer/io.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "os/both_ends.hpp"
#include "os/child.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

namespace {

constexpr int lowest_free = 3;  // 0, 1 and 2 are the program's

error exec_failure(const char* text) { return errors::make(text); }

// A number that is given to the program, and closed here once it has it, if it is ours.
class lent_number {
 public:
  lent_number() noexcept = default;
  lent_number(const lent_number&) = delete;
  lent_number& operator=(const lent_number&) = delete;
  ~lent_number() { done(); }

  int number() const noexcept { return number_; }
  void lend(int number, bool ours) noexcept {
    done();
    number_ = number;
    ours_ = ours;
  }
  // Out of the way of 0, 1 and 2, which are overwritten one by one. The errno.
  int raise() noexcept {
    if (number_ < lowest_free) {
      const int high = ::fcntl(number_, F_DUPFD_CLOEXEC, lowest_free);
      if (high < 0) {
        return errno;
      }
      lend(high, true);
    }
    return 0;
  }
  void done() noexcept {
    if (ours_) {
      ::close(number_);
    }
    ours_ = false;
    number_ = -1;
  }

 private:
  int number_ = -1;
  bool ours_ = false;
};

}  // namespace

// What begins with the first pipe, or with start().
class command::started {
 public:
  ~started() {
    if (running_ && !waited_) {
      process.send(SIGKILL);
      static_cast<void>(wait({}));
    }
  }

  error start(const command& c);
  error wait(const net::ending& end);
  std::pair<file, error> make_pipe(int which, const char* name);

  bool running() const noexcept { return running_; }
  bool waited() const noexcept { return waited_; }
  bool has_pipe(int which) const noexcept { return static_cast<bool>(own_[index(which)]); }

  child process;

 private:
  static std::size_t index(int which) noexcept { return static_cast<std::size_t>(which); }

  error connect(int which, const io::reader& from, const io::writer& to);
  error open_null(int which);
  error start_as(const program& what);
  void copy(int which, const io::reader& from, const io::writer& to);
  void close_own() noexcept;
  void keep_first(error failure);

  bool running_ = false;
  bool waited_ = false;
  std::array<lent_number, 3> lent_;
  // This process's ends of pipes.
  std::array<file, 3> own_;
  sync::wait_group copying_;

  detail::spin_lock guard_;
  // Guarded by guard_.
  error first_;
};

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

// Finds what becomes the program's `which`.
error command::started::connect(int which, const io::reader& from, const io::writer& to) {
  if (lent_[index(which)].number() >= 0) {
    return nullptr;  // a pipe that was asked for
  }
  if (which == 0 ? !from : !to) {
    return open_null(which);
  }
  const file* const f = which == 0 ? from.as<file>() : to.as<file>();
  if (file_core* const core = f != nullptr ? file_access::core(*f) : nullptr; core != nullptr && !core->is_watched()) {
    const using_file inside(*core);
    const int n = inside ? ::fcntl(core->number(), F_DUPFD_CLOEXEC, lowest_free) : -1;
    if (n < 0) {
      return inside ? core->fail("dup", errno) : core->fail("dup", {net::trouble::kind::shut});
    }
    lent_[index(which)].lend(n, true);
    return nullptr;
  }
  return make_pipe(which, which == 0 ? "|stdin" : which == 1 ? "|stdout" : "|stderr").second;
}

error command::started::start(const command& c) {
  auto [path, not_there] = look_path(c.name_);
  if (not_there) {
    return not_there;
  }
  program what{
      .path = std::move(path), .args = {c.name_}, .env = c.env ? &*c.env : nullptr, .dir = c.dir, .numbers = {}};
  what.args.insert(what.args.end(), c.args_.begin(), c.args_.end());
  for (const std::vector<std::string>* list :
       std::initializer_list<const std::vector<std::string>*>{&what.args, what.env}) {
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      if (!is_path((*list)[i])) {
        return path_error("fork/exec", what.path, system_error(EINVAL));
      }
    }
  }
  if (!c.dir.empty()) {
    if (const error no_dir = stat(c.dir).second) {
      return path_error("chdir", c.dir, errors::unwrap(no_dir));
    }
  }
  std::array<bool, 3> copies{};
  const bool both = c.out && c.out == c.err && !has_pipe(1) && !has_pipe(2);
  for (int i = 0; i < 3; ++i) {
    const bool asked_for = has_pipe(i);
    if (i == 2 && both) {
      lent_[2].lend(lent_[1].number(), false);
    } else if (error failure = connect(i, c.in, i == 1 ? c.out : c.err)) {
      return failure;
    }
    if (const int problem = lent_[index(i)].raise()) {
      return syscall_error("fcntl", problem);
    }
    copies[index(i)] = has_pipe(i) && !asked_for;
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

error command::started::start_as(const program& given) {
  program what = given;
  for (int i = 0; i < 3; ++i) {
    what.numbers[i] = lent_[index(i)].number();
  }
  const int problem = process.start(what);
  for (lent_number& n : lent_) {
    n.done();
  }
  if (problem != 0) {
    return path_error("fork/exec", what.path, system_error(problem));
  }
  running_ = true;
  return nullptr;
}

void command::started::copy(int which, const io::reader& from, const io::writer& to) {
  copying_.go([this, which, from, to, end = own_[index(which)]] {
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

void command::started::close_own() noexcept {
  for (const file& f : own_) {
    if (f) {
      static_cast<void>(f.close());
    }
  }
}

error command::started::wait(const net::ending& end) {
  error cause;
  waited_ = true;
  if (process.await_end(end)) {
    cause = end.err();
    process.send(SIGKILL);
    static_cast<void>(process.await_end({}));
  }
  int problem = 0;
  const int status = process.reap(problem);
  // Others may have inherited what it wrote to, and live on.
  if (!cause && !copying_.wait_until(end.stop())) {
    cause = end.err();
  }
  close_own();
  copying_.wait();
  if (problem != 0) {
    return syscall_error("waitpid", problem);
  }
  if (status != 0) {
    return exit_error(status, std::move(cause));
  }
  return cause ? cause : first_;
}

// ---- command --------------------------------------------------------------------------------------------------------

command::command(std::string name, std::vector<std::string> args)
    : name_(std::move(name)), args_(std::move(args)), its_(std::make_unique<started>()) {}

command::~command() = default;

error command::start() {
  if (its_->running()) {
    return exec_failure("exec: already started");
  }
  error failure = its_->start(*this);
  if (failure) {
    its_ = std::make_unique<started>();  // with nothing open
  }
  return failure;
}

error command::wait(const net::ending& end) {
  if (!its_->running()) {
    return exec_failure("exec: not started");
  }
  return its_->waited() ? exec_failure("exec: Wait was already called") : its_->wait(end);
}

error command::run(const net::ending& end) {
  error failure = start();
  return failure ? failure : wait(end);
}

std::pair<std::string, error> command::output(const net::ending& end) {
  if (out) {
    return {std::string(), exec_failure("exec: Stdout already set")};
  }
  io::buffer all;
  both_ends complaints;
  const bool kept = !err && !its_->has_pipe(2);
  out = &all;
  if (kept) {
    err = &complaints;
  }
  error failure = run(end);
  out = nullptr;
  if (kept) {
    err = nullptr;
    if (const auto ended = errors::as<exit_error>(failure)) {
      failure = exit_error(ended->status(), ended->unwrap(), complaints.text());
    }
  }
  return {std::string(all.text()), std::move(failure)};
}

std::pair<std::string, error> command::combined_output(const net::ending& end) {
  if (out || err) {
    return {std::string(), exec_failure(out ? "exec: Stdout already set" : "exec: Stderr already set")};
  }
  io::buffer all;
  err = out = &all;
  error failure = run(end);
  err = out = nullptr;
  return {std::string(all.text()), std::move(failure)};
}

std::pair<file, error> command::pipe_of(int which, bool taken, const char* name) {
  if (its_->running()) {
    return {nullptr, exec_failure("exec: pipe after process started")};
  }
  if (taken || its_->has_pipe(which)) {
    return {nullptr, errors::make("exec: ", name, " already set")};
  }
  return its_->make_pipe(which, which == 0 ? "|stdin" : which == 1 ? "|stdout" : "|stderr");
}

std::pair<file, error> command::in_pipe() { return pipe_of(0, static_cast<bool>(in), "Stdin"); }
std::pair<file, error> command::out_pipe() { return pipe_of(1, static_cast<bool>(out), "Stdout"); }
std::pair<file, error> command::err_pipe() { return pipe_of(2, static_cast<bool>(err), "Stderr"); }

error command::kill() { return signal(os::kill); }

error command::signal(os::signal s) {
  if (!its_->running()) {
    return exec_failure("exec: not started");
  }
  const int problem = its_->process.send(s.number());
  return problem == 0                        ? error()
         : problem == -1 || problem == ESRCH ? error(process_done)
                                             : error(syscall_error("kill", problem));
}

int command::pid() const noexcept { return its_->process.pid(); }

// ---- exit_error -----------------------------------------------------------------------------------------------------

int exit_error::exit_code() const noexcept { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

signal exit_error::signal() const noexcept { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }

std::string exit_error::text() const {
  if (WIFEXITED(status_)) {
    return "exit status " + std::to_string(WEXITSTATUS(status_));
  }
  return "signal: " + signal().text() + (WCOREDUMP(status_) ? " (core dumped)" : "");
}

}  // namespace gossamer::inline v0::os

namespace gossamer::inline v0::os {

constinit const errors::sentinel not_found{"executable file not found in $PATH"};
constinit const errors::sentinel process_done{"os: process already finished"};

}  // namespace gossamer::inline v0::os
