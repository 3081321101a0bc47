// started: what a command has once it has a pipe, or is started: its process, its ends of pipes, and the fibers that
// copy.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/limit.hpp"
#include "gossamer/os/command.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "os/child.hpp"

namespace gossamer::inline v0::os {

class file_core;

// A number that is given to the program, and closed here once it has it, if it is ours.
class lent_number {
 public:
  lent_number() noexcept = default;
  lent_number(const lent_number&) = delete;
  lent_number& operator=(const lent_number&) = delete;
  ~lent_number() { done(); }

  int number() const noexcept { return number_; }
  void lend(int number, bool ours) noexcept {
    assert(number >= 0);
    done();
    number_ = number;
    ours_ = ours;
  }
  // Out of the way of the program's own numbers, which are overwritten one by one. The errno.
  int raise(int lowest_free) noexcept {
    if (number_ >= 0 && number_ < lowest_free) {
      const int high = ::fcntl(number_, F_DUPFD_CLOEXEC, lowest_free);
      if (high < 0) {
        return errno == EINVAL ? EMFILE : errno;  // above what the process may have
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

// What begins with the first pipe, or with start().
class command::started {
 public:
  ~started() {
    if (running_ && !finished_) {
      abandon();
    }
    close_source();
  }

  error start(const command& c, const net::ending& end);
  error wait(const command& c, const net::ending& end);
  std::pair<file, error> make_pipe(int which, const char* name);

  bool running() const noexcept { return running_; }
  bool waited() const noexcept { return waited_; }
  // Empty until it is started.
  const std::string& path() const noexcept { return path_; }
  // Null until it has ended.
  const os::process_state* state() const noexcept { return state_ ? &*state_ : nullptr; }
  bool has_pipe(int which) const noexcept { return static_cast<bool>(own_[index(which)]); }

  child process;

 private:
  static std::size_t index(int which) noexcept {
    assert(which >= 0 && which < 3);
    return static_cast<std::size_t>(which);
  }

  static error describe(const command& c, program& what);
  error connect_all(const command& c, std::array<bool, 3>& copies);
  error connect(int which, const io::reader& from, const io::writer& to);
  error connect_extra(const std::vector<file>& files);
  error open_null(int which);
  error open_source(file_core& from);
  error start_as(program& what);
  void copy(int which, const io::reader& from, const io::writer& to);
  void abandon();
  error interrupt(const command& c, const net::ending& end);
  bool await_copies(const command& c, const net::ending& end, bool killed, detail::deadline until);
  bool await_copiers(const wait::limit& limit = {});
  void close_source() noexcept;
  void close_own() noexcept;
  void keep_first(error failure);

  bool running_ = false;
  bool waited_ = false;
  bool finished_ = false;  // reaped, and nothing of it left here
  std::string path_;
  std::optional<os::process_state> state_;
  std::array<lent_number, 3> lent_;
  std::vector<lent_number> lent_too_;  // as 3, 4, ...
  int lowest_free_ = 3;                // those below are the program's
  // This process's ends of pipes.
  std::array<file, 3> own_;
  // `in`, if it is a pipe: a handle that can be closed when the program has ended, so that nobody reads on for it.
  file source_;
  sync::wait_group copying_;
  std::uint32_t copies_in_ = 0;  // the number of the run() whose fibers do

  detail::spin_lock guard_;
  // Guarded by guard_.
  error first_;
};

}  // namespace gossamer::inline v0::os
