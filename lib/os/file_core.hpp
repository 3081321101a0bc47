// file_core: what a file handle refers to. A file on which waiting makes sense (a pipe) is one of the poller's
// descriptors, a net::fd; on any other a call just blocks its thread, so all there is to know is who is in one, lest
// the number be closed, and given to another file, under his feet. Source: Go's internal/poll.FD.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <cassert>
#include <cstdint>
#include <string>

#include "gossamer/detail/counted.hpp"
#include "gossamer/os/file.hpp"
#include "net/fd.hpp"

namespace gossamer::inline v0::os {

class file_core final : public detail::counted {
 public:
  enum class kind : std::uint8_t {
    blocking,
    watched,
    foreign,  // blocking, and the number is not ours to close
  };

  // Takes over the number; a call on it blocks unless watch() is called first.
  file_core(std::string name, int number, kind k = kind::blocking) noexcept
      : name_(std::move(name)), number_(number), kind_(k) {
    assert(number >= 0);
  }
  ~file_core() override;

  // Hands a pipe to the poller. The number must not block. Where that is refused it is as before.
  net::trouble watch() noexcept;

  const std::string& name() const noexcept { return name_; }
  // While somebody uses it.
  int number() const noexcept {
    // relaxed: that one is the caller, or waits for him
    assert(is_watched() || users_.load(std::memory_order_relaxed) >= one_user);
    return number_;
  }
  bool is_watched() const noexcept { return kind_ == kind::watched; }
  // Whether it was opened so that all that is written goes to its end. Set before there is a second handle.
  bool appends() const noexcept { return appends_; }
  // Flags of open(2) or F_GETFL; negative: not known.
  void note_flags(int flags) noexcept { appends_ = flags >= 0 && (flags & O_APPEND) != 0; }
  net::fd& fd() noexcept { return fd_; }

  // Another number of the same open file, `lowest` at least, which exec closes. `t`, where there is none.
  int share(int lowest, net::trouble& t);
  // The same for what has no poller. Of a pipe a handle that
  // blocks; that this process's does not is a matter of the handle. What is watched and is no pipe blocks there as
  // little as here. `t`, where there is none.
  int lend(int lowest, net::trouble& t);

  // False if it has been closed. A use ends with leave().
  bool use() noexcept;
  void leave() noexcept;
  net::trouble close();

  error fail(const char* op, const net::trouble& t, const net::ending& end = {}) const;
  error fail(const char* op, int code) const;

 private:
  static constexpr std::uint32_t is_closed = 1;
  static constexpr std::uint32_t one_user = 2;

  const std::string name_;
  const int number_;
  kind kind_;  // fixed once there is a second handle
  bool appends_ = false;
  net::fd fd_;  // of one that is watched
  // Of another: how many use it, and whether it is closed.
  std::atomic<std::uint32_t> users_{0};
};

struct file_access {
  static file_core* core(const file& f) noexcept { return static_cast<file_core*>(f.its_.get()); }
};

// A use that ends with its scope.
class using_file {
 public:
  explicit using_file(file_core& f) noexcept : file_(f), inside_(f.use()) {}
  using_file(const using_file&) = delete;
  using_file& operator=(const using_file&) = delete;
  ~using_file() {
    if (inside_) {
      file_.leave();
    }
  }
  explicit operator bool() const noexcept { return inside_; }

 private:
  file_core& file_;
  const bool inside_;
};

// A pipe, whose number, which must not block, it takes over; `t`: why the poller does not watch it. Its calls block
// then.
file watched_file(std::string name, int number, net::trouble& t);

// The same of whose open file others have numbers: closing this one does not take it out of the poller's set then.
file shared_file(std::string name, int number, net::trouble& t);

// The path as the kernel wants it; false for one with a zero in it. Source: Go's syscall.BytePtrFromString.
bool is_path(std::string_view path) noexcept;

}  // namespace gossamer::inline v0::os
