// command: see gossamer/os/command.hpp.
#include "gossamer/os/command.hpp"

#include <cerrno>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"
#include "os/both_ends.hpp"
#include "os/environment.hpp"
#include "os/started.hpp"

namespace gossamer::inline v0::os {

command::command(std::string name, std::vector<std::string> args)
    : name_(std::move(name)), args_(std::move(args)), its_(std::make_unique<started>()) {}

command::~command() = default;

error command::start() { return begin({}); }

error command::begin(const net::ending& end) {
  if (std::exchange(start_called_, true)) {
    return errors::make("exec: already started");
  }
  error failure = its_->start(*this, end);
  if (failure) {
    its_ = std::make_unique<started>();  // with nothing open
  }
  return failure;
}

error command::wait(const net::ending& end) {
  if (!its_->running()) {
    return errors::make("exec: not started");
  }
  return its_->waited() ? errors::make("exec: Wait was already called") : its_->wait(*this, end);
}

error command::run(const net::ending& end) {
  error failure = begin(end);
  return failure ? failure : wait(end);
}

std::pair<std::string, error> command::output(const net::ending& end) {
  if (out) {
    return {std::string(), errors::make("exec: Stdout already set")};
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
      failure = exit_error(ended->state(), ended->unwrap(), complaints.text());
    }
  }
  return {std::string(all.text()), std::move(failure)};
}

std::pair<std::string, error> command::combined_output(const net::ending& end) {
  if (out || err) {
    return {std::string(), errors::make(out ? "exec: Stdout already set" : "exec: Stderr already set")};
  }
  io::buffer all;
  err = out = &all;
  error failure = run(end);
  err = out = nullptr;
  return {std::string(all.text()), std::move(failure)};
}

std::pair<file, error> command::pipe_of(int which, bool taken, const char* name) {
  if (taken || its_->has_pipe(which)) {
    return {nullptr, errors::make("exec: ", name, " already set")};
  }
  if (its_->running()) {
    return {nullptr, errors::make("exec: ", name, "Pipe after process started")};
  }
  return its_->make_pipe(which, which == 0 ? "|stdin" : which == 1 ? "|stdout" : "|stderr");
}

std::pair<file, error> command::in_pipe() { return pipe_of(0, static_cast<bool>(in), "Stdin"); }
std::pair<file, error> command::out_pipe() { return pipe_of(1, static_cast<bool>(out), "Stdout"); }
std::pair<file, error> command::err_pipe() { return pipe_of(2, static_cast<bool>(err), "Stderr"); }

std::vector<std::string> command::environ() const { return environment_of(env, dir); }

std::string command::text() const {
  std::string text = its_->path();
  if (text.empty()) {
    const auto [path, not_there] = name_.find('/') == name_.npos ? look_path(name_) : std::pair(name_, error());
    text = not_there ? name_ : path;
  }
  for (const std::string& a : args_) {
    text += " " + a;
  }
  return text;
}

const process_state* command::process_state() const noexcept { return its_->state(); }

error command::kill() { return signal(os::kill); }

error command::signal(os::signal s) {
  if (!its_->running()) {
    return errors::make("exec: not started");
  }
  const int problem = its_->process.send(s.number());
  return problem == 0                        ? error()
         : problem == -1 || problem == ESRCH ? error(process_done)
                                             : error(syscall_error("kill", problem));
}

int command::pid() const noexcept { return its_->process.pid(); }

constinit const errors::sentinel not_found{"executable file not found in $PATH"};
constinit const errors::sentinel err_dot{"cannot run executable found relative to current directory"};
constinit const errors::sentinel process_done{"os: process already finished"};
constinit const errors::sentinel wait_delay{"exec: WaitDelay expired before I/O complete"};

}  // namespace gossamer::inline v0::os
