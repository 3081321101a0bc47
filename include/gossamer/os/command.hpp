// os/command: programs that are started and waited for.
// Source: Go's os/exec. Differs: a context is given to the call that waits, and ends it by killing the program; a
// command that goes before it was waited for kills its program and waits for it, so none is left as a zombie.
//
//   os::command ls("ls", "-l");
//   auto [text, err] = ls.output();
//
// The program starts with no signal blocked, with the default for each, and with no descriptors but 0, 1, 2, those of
// `extra_files`, and those that others have opened without O_CLOEXEC.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/stream.hpp"
#include "../net/error.hpp"
#include "../os.hpp"
#include "file.hpp"
#include "process_state.hpp"
#include "sys_proc_attr.hpp"

namespace gossamer::inline v0::os {

// No directory of $PATH has an executable file of that name.
GOSSAMER_API extern const errors::sentinel not_found;  // executable file not found in $PATH
// What was found first in $PATH lies in a directory that is relative to the current one: who means it says `./prog`.
// Source: Go's ErrDot.
GOSSAMER_API extern const errors::sentinel err_dot;  // cannot run executable found relative to current directory
// The program has ended, and was waited for.
GOSSAMER_API extern const errors::sentinel process_done;  // os: process already finished
// The program has exited with 0, but others hold on to what it wrote to. Source: Go's ErrWaitDelay.
GOSSAMER_API extern const errors::sentinel wait_delay;  // exec: WaitDelay expired before I/O complete

// A program that was not found: `exec: "x": executable file not found in $PATH`.
class GOSSAMER_API exec_error final : public errors::base {
 public:
  exec_error(std::string name, error err) : name_(std::move(name)), err_(std::move(err)) {}
  const std::string& name() const noexcept { return name_; }
  std::string text() const override { return "exec: \"" + name_ + "\": " + err_.text(); }
  error unwrap() const override { return err_; }

 private:
  std::string name_;
  error err_;
};

// A program that ended in another way than with code 0: `exit status 3`, `signal: killed`.
class GOSSAMER_API exit_error final : public errors::base {
 public:
  // How it ended; why it was killed, if the call that waited was ended; what it wrote to its standard error.
  explicit exit_error(const process_state& state, error cause = nullptr, std::string standard_error = {}) noexcept
      : state_(state), cause_(std::move(cause)), standard_error_(std::move(standard_error)) {}
  const process_state& state() const noexcept { return state_; }
  // As waitpid() has it.
  int status() const noexcept { return state_.sys(); }
  // -1 if a signal ended it.
  int exit_code() const noexcept { return state_.exit_code(); }
  // None if it exited.
  os::signal signal() const noexcept { return state_.signal(); }
  // Of a command that was waited for by output(), and whose `err` was nil: the first and the last 32 KiB.
  const std::string& standard_error() const noexcept { return standard_error_; }
  std::string text() const override { return state_.text(); }
  bool timeout() const override { return cause_.timeout(); }
  error unwrap() const override { return cause_; }

 private:
  process_state state_;
  error cause_;
  std::string standard_error_;
};

// The path of an executable file: `name` itself where it has a slash; otherwise the first in the directories of $PATH.
// Where that directory is a relative one (an empty one is the current directory) the path comes with an error that
// wraps err_dot; whoever wants it nevertheless may give it to a command: `./prog`. Other errors, which come with no
// path: `exec: "x": executable file not found in $PATH`, `exec: "/x": permission denied`.
[[nodiscard]] GOSSAMER_API std::pair<std::string, error> look_path(std::string_view name);

// A program with its arguments. Not for several fibers at once, but for kill(), signal() and pid().
class GOSSAMER_API command {
 public:
  explicit command(std::string name, std::vector<std::string> args);
  template <std::convertible_to<std::string_view>... Args>
  explicit command(std::string name, const Args&... args)
      : command(std::move(name), std::vector<std::string>{std::string(std::string_view(args))...}) {}
  command(const command&) = delete;
  command& operator=(const command&) = delete;
  // Kills the program and waits for it, if it was started and not waited for. What others still write for it is not
  // waited for; the read of `in`, or the write to `out` or `err`, that is going on just then is.
  ~command();

  // To be set before it starts. Where it runs; empty: where the caller does. A name with a slash that is relative is
  // looked for from there.
  std::string dir;
  // `NAME=value`, of several with one name the last; none: the caller's, and PWD says `dir`.
  std::optional<std::vector<std::string>> env;
  // What it reads, and where to it writes: nil: /dev/null. A file (but a pipe) is given to the program itself; from and
  // to all else a fiber copies. The same writer for both gets both in their order.
  io::reader in;
  io::writer out;
  io::writer err;
  // What it finds open as 3, 4, ...; of a nil one the number is not open. Each is the same open file as here, and has
  // one place with it; but a pipe, which is one that blocks there. A socket on which fibers wait does not block there
  // either. They stay open here. Source: Go's Cmd.ExtraFiles.
  std::vector<file> extra_files;
  // Its session, its user and the like.
  os::sys_proc_attr sys_proc_attr;

  // Asks the program to end, when the `end` of wait() has come; not set: kill(). It is called by wait(), in its fiber.
  // If it returns nil and the program then exits with 0, wait() fails with what `end` says; if process_done, it does
  // not; with another error, with that. Source: Go's Cmd.Cancel.
  std::function<error()> cancel;
  // How long the program may live on after `end` has come and it was asked to end: then it is killed. And how long,
  // from then or from its own end, whichever is first, it is waited until what it wrote has been copied: others may
  // have inherited the pipes. After that they are closed, and wait() fails with os::wait_delay, if with nothing else.
  // 0: no limit (but `end`, where `cancel` is not set). Source: Go's Cmd.WaitDelay.
  std::chrono::nanoseconds wait_delay{0};

  // A pipe to what it reads, from what it writes. Before it starts. The caller closes what is written to; what is read
  // from is closed by wait(): all must have been read before.
  std::pair<file, error> in_pipe();
  std::pair<file, error> out_pipe();
  std::pair<file, error> err_pipe();

  // Starts the program; it must be waited for, once. Once: a second start fails, also where the first did. Errors:
  // `exec: "x": executable file not found in $PATH`, `exec: "x": cannot run executable found relative to current
  // directory` (err_dot), `fork/exec /x: no such file or directory`.
  error start();
  // Waits until it has ended, until all that it wrote has been copied, and until the last read of `in`, if that is no
  // os::file, has returned.
  // nil: it exited with 0. An exit_error; else what went wrong while copying. Ended before that by `end` it kills the
  // program (see `cancel`) and waits for it: the error then is, or wraps, the context's own. Where the process ignores
  // SIGCHLD the kernel keeps no exit status: `waitid: no child processes`.
  error wait(const net::ending& end = {});
  // start() and wait(). Does not start it if `end` has come already.
  error run(const net::ending& end = {});
  // The same, and what it wrote to its standard output; to both. output() keeps what it wrote to its standard error for
  // the exit_error, if nobody else gets it.
  std::pair<std::string, error> output(const net::ending& end = {});
  std::pair<std::string, error> combined_output(const net::ending& end = {});

  // What it will find in its environment. Source: Go's Cmd.Environ.
  std::vector<std::string> environ() const;
  // The path of the program, if it is found, or else its name; and its arguments, each behind a space. For logs:
  // nothing is quoted. Source: Go's Cmd.String.
  std::string text() const;
  // How it ended; null until wait() has returned, and where the kernel kept no exit status. Lives as long as the
  // command. Source: Go's Cmd.ProcessState.
  const os::process_state* process_state() const noexcept;

  // From anywhere, while the command lives. process_done if it has been waited for.
  error kill();
  error signal(os::signal s);
  // 0 before it is started.
  int pid() const noexcept;

 private:
  class started;

  error begin(const net::ending& end);
  std::pair<file, error> pipe_of(int which, bool taken, const char* name);

  const std::string name_;
  const std::vector<std::string> args_;
  bool start_called_ = false;
  std::unique_ptr<started> its_;
};

}  // namespace gossamer::inline v0::os
