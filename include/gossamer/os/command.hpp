// os/command: programs that are started and waited for.
// Source: Go's os/exec. Differs: a context is given to the call that waits, and ends it by killing the program; a
// command that goes before it was waited for kills its program and waits for it, so none is left as a zombie.
//
//   os::command ls("ls", "-l");
//   auto [text, err] = ls.output();
//
// The program starts with no signal blocked, with the default for each, and with no descriptors but 0, 1, 2 and those
// that others have opened without O_CLOEXEC.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/stream.hpp"
#include "../net/error.hpp"
#include "../os.hpp"
#include "file.hpp"

namespace gossamer::inline v0::os {

// No directory of $PATH has an executable file of that name.
GOSSAMER_API extern const errors::sentinel not_found;  // executable file not found in $PATH
// The program has ended, and was waited for.
GOSSAMER_API extern const errors::sentinel process_done;  // os: process already finished

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
  // As waitpid() has it; why it was killed, if the call that waited was ended; what it wrote to its standard error.
  explicit exit_error(int status, error cause = nullptr, std::string standard_error = {}) noexcept
      : status_(status), cause_(std::move(cause)), standard_error_(std::move(standard_error)) {}
  int status() const noexcept { return status_; }
  // -1 if a signal ended it.
  int exit_code() const noexcept;
  // None if it exited.
  os::signal signal() const noexcept;
  // Of a command that was waited for by output(), and whose `err` was nil: the first and the last 32 KiB.
  const std::string& standard_error() const noexcept { return standard_error_; }
  std::string text() const override;
  bool timeout() const override { return cause_.timeout(); }
  error unwrap() const override { return cause_; }

 private:
  int status_;
  error cause_;
  std::string standard_error_;
};

// The path of an executable file: `name` itself where it has a slash; otherwise the first in the directories of $PATH
// (those that are relative do not count, as in Go).
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
  // Kills the program and waits for it, if it was started and not waited for.
  ~command();

  // To be set before it starts.
  std::string dir;                              // where it runs; empty: where the caller does
  std::optional<std::vector<std::string>> env;  // `NAME=value`; none: the caller's
  // What it reads, and where to it writes: nil: /dev/null. A file (but a pipe) is given to the program itself; from and
  // to all else a fiber copies. The same writer for both gets both in their order.
  io::reader in;
  io::writer out;
  io::writer err;

  // A pipe to what it reads, from what it writes. Before it starts. The caller closes what is written to; what is read
  // from is closed by wait(): all must have been read before.
  std::pair<file, error> in_pipe();
  std::pair<file, error> out_pipe();
  std::pair<file, error> err_pipe();

  // Starts the program; it must be waited for, once.
  error start();
  // Waits until it has ended, until all that it wrote has been copied, and until the last read of `in` has returned.
  // nil: it exited with 0. An exit_error; else what went wrong while copying. Ended before that by `end` it kills the
  // program and waits for it: the error then wraps that of `end`.
  error wait(const net::ending& end = {});
  // start() and wait().
  error run(const net::ending& end = {});
  // The same, and what it wrote to its standard output; to both. output() keeps what it wrote to its standard error for
  // the exit_error, if nobody else gets it.
  std::pair<std::string, error> output(const net::ending& end = {});
  std::pair<std::string, error> combined_output(const net::ending& end = {});

  // From anywhere, while the command lives. process_done if it has been waited for.
  error kill();
  error signal(os::signal s);
  // 0 before it is started.
  int pid() const noexcept;

 private:
  class started;

  std::pair<file, error> pipe_of(int which, bool taken, const char* name);

  const std::string name_;
  const std::vector<std::string> args_;
  std::unique_ptr<started> its_;
};

}  // namespace gossamer::inline v0::os
