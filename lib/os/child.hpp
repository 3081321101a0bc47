// child: a process that was started, and is waited for. A fiber waits on its pidfd, which the poller watches; where the
// kernel has none, in a blocking call. Signals go through it as well: where SIGCHLD is ignored the number is free for
// others as soon as the process has ended, and a signal must not meet another. Elsewhere only reap() makes it free.
// Source: Go's os.Process.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gossamer/detail/deadline.hpp"
#include "gossamer/net/error.hpp"
#include "gossamer/os/process_state.hpp"
#include "gossamer/os/sys_proc_attr.hpp"
#include "net/trouble.hpp"

namespace gossamer::inline v0::os {

// What a program starts with. numbers[i] becomes its i, -1 nothing; each is at least numbers.size().
struct program {
  std::string path;
  std::vector<std::string> args;                // with its name
  std::optional<std::vector<std::string>> env;  // none: this process's
  std::string dir;
  std::vector<int> numbers;
  sys_proc_attr attributes{};
};

class child {
 public:
  child() noexcept = default;
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child();

  // The errno. Once.
  int start(const program& what);
  // Until it has ended, or `end` is set, or `until` has passed. It stays to be reaped.
  net::trouble await_end(const net::ending& end, detail::deadline until = detail::no_deadline) const;
  // What it does where the kernel has no pidfd.
  void await_by_blocking(wait::stop end, detail::deadline until = detail::no_deadline) const;
  // True as well where it cannot be waited for: reap() says why.
  bool has_ended() const noexcept;
  // What it ended with; the errno in `problem`. After await_end().
  process_state reap(int& problem) noexcept;
  // The errno; -1 if it has been reaped.
  int send(int signal) noexcept;
  int pid() const noexcept { return pid_; }
  // By who reaps it.
  bool is_reaped() const noexcept { return reaped_; }

 private:
  int start_here(const program& what);

  pid_t pid_ = 0;
  // Becomes readable when the process ends; -1 where the kernel has none.
  int pidfd_ = -1;
  bool lost_ = false;  // it had ended, and was reaped by the kernel, before there was one
  std::mutex guard_;   // held for single system calls
  bool reaped_ = false;
};

}  // namespace gossamer::inline v0::os
