// os/file: files, and pipes of the kernel.
// Source: Go's os.File. Differs: the calls on pipes take a stop or a context as well.
//
// A file is a handle: copies are the same file, operations are const; the last handle closes it. From any number of
// fibers and threads. Where a call has to wait the fiber parks on a pipe, with a name or without; on all else (files,
// directories, terminals) the thread blocks as in runtime::blocking(). All calls on a nil handle fail with `invalid
// argument`.
//
// Errors are path_errors: `read /etc/shadow: permission denied`; only the end of a file is io::eof itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/bytes.hpp"
#include "../detail/chrono.hpp"
#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/deadline.hpp"
#include "../error.hpp"
#include "../io/seek_from.hpp"
#include "../io_errors.hpp"
#include "../net/error.hpp"

namespace gossamer::inline v0::net {
class conn;
class listener;
}  // namespace gossamer::inline v0::net

namespace gossamer::inline v0::detail {
template <class T>
class reading;
}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::os {

// An operation on a file that has been closed.
GOSSAMER_API extern const errors::sentinel closed;  // file already closed
// A file that cannot have a deadline.
GOSSAMER_API extern const errors::sentinel no_deadline;  // file type does not support deadline

// What failed, and on which file: `open /no/such: no such file or directory`.
class GOSSAMER_API path_error final : public errors::base {
 public:
  path_error(std::string op, std::string path, error err)
      : op_(std::move(op)), path_(std::move(path)), err_(std::move(err)) {}
  const std::string& op() const noexcept { return op_; }
  const std::string& path() const noexcept { return path_; }
  const error& err() const noexcept { return err_; }
  std::string text() const override { return op_ + " " + path_ + ": " + err_.text(); }
  bool timeout() const override { return err_.timeout(); }
  error unwrap() const override { return err_; }

 private:
  std::string op_;
  std::string path_;
  error err_;
};

// What file::stat() knows of a file.
struct file_info {
  std::string name;  // the last part of the path
  std::int64_t size = 0;
  unsigned mode = 0;  // st_mode: kind and permissions
  std::chrono::system_clock::time_point mod_time;

  bool is_dir() const noexcept { return (mode & 0170000) == 0040000; }
  bool is_regular() const noexcept { return (mode & 0170000) == 0100000; }
  unsigned permissions() const noexcept { return mode & 07777; }
};

// One of a directory, other than `.` and `..`.
struct dir_entry {
  std::string name;
  unsigned mode = 0;  // of st_mode the kind: that of a symbolic link, not of what it leads to

  bool is_dir() const noexcept { return (mode & 0170000) == 0040000; }
  bool is_regular() const noexcept { return (mode & 0170000) == 0100000; }
};

using io::seek_from;

// file: a handle of an open file, a pipe's end or a terminal.
class GOSSAMER_API file {
 public:
  using io_result = std::pair<std::size_t, error>;

  constexpr file() noexcept = default;
  constexpr file(std::nullptr_t) noexcept {}
  explicit file(detail::counted* of) noexcept : its_(of) {}

  // Up to the size of `to`. At the end: 0 and io::eof. An empty `to`: 0 and nil. The ending is for
  // pipes, and for standard streams that do not block.
  template <detail::writable_bytes R>
  io_result read(R&& to, const net::ending& end = {}) const {
    return read_some(std::as_writable_bytes(std::span(to)), end);
  }
  // All of it. Less only with an error. A pipe that nobody reads any more is an error (EPIPE), and never a signal.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  io_result write(R&& from, const net::ending& end = {}) const {
    return write_all(std::as_bytes(std::span(from)), end);
  }
  io_result write(std::string_view from, const net::ending& end = {}) const {
    return write_all(std::as_bytes(std::span(from)), end);
  }
  // At a place of its own; where the file stands does not change. read_at fills `to`: fewer only with an error, io::eof
  // for one. A negative offset is an error; so is write_at on what was opened to append, where the kernel would put it
  // at the end.
  template <detail::writable_bytes R>
  io_result read_at(R&& to, std::int64_t offset) const {
    return read_all_at(std::as_writable_bytes(std::span(to)), offset);
  }
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  io_result write_at(R&& from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }
  io_result write_at(std::string_view from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }
  // The new place, from the start.
  std::pair<std::int64_t, error> seek(std::int64_t offset, seek_from whence) const;
  error truncate(std::int64_t size) const;
  // Returns once all that was written is on the disk.
  error sync() const;
  std::pair<file_info, error> stat() const;
  // Of a directory: what comes next in it, in no order, at most n; at its end none and io::eof. n <= 0: all that is
  // left, and its end is no error. With another error what was read before it. A seek to the start begins anew.
  std::pair<std::vector<dir_entry>, error> read_dir(int n = -1) const;

  // Ends what waits on a pipe, and refuses what is to come, with `file already closed`. On any other file, a call that
  // is in progress goes on, and the number is free once it is done. A second close fails.
  error close() const;

  // Absolute, as those of a net::conn; for pipes.
  template <class Clock, class Duration>
  error set_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_deadlines(tp == std::chrono::time_point<Clock, Duration>() ? detail::no_deadline
                                                                          : detail::to_deadline(tp));
  }
  error set_deadline(std::nullptr_t) const { return set_deadlines(detail::no_deadline); }

  // As it was given to open(); empty for nil.
  std::string name() const;
  // The file descriptor: the file's still. -1 where it is closed.
  int native_handle() const;

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const file& a, const file& b) noexcept { return a.its_.get() == b.its_.get(); }
  friend bool operator==(const file& a, std::nullptr_t) noexcept { return a.its_.get() == nullptr; }

 private:
  friend struct file_access;
  template <class T>
  friend class detail::reading;
  bool with_number(void (*use)(void*, int), void* to) const;
  io_result read_some(std::span<std::byte> to, const net::ending& end) const;
  io_result write_all(std::span<const std::byte> from, const net::ending& end) const;
  io_result read_all_at(std::span<std::byte> to, std::int64_t offset) const;
  io_result write_all_at(std::span<const std::byte> from, std::int64_t offset) const;
  error set_deadlines(detail::deadline when) const;

  detail::reference<detail::counted> its_;
};

// With the flags of <fcntl.h>: O_RDWR | O_CREAT | O_EXCL; O_CLOEXEC is always set.
[[nodiscard]] GOSSAMER_API std::pair<file, error> open_file(std::string_view path, int flags, unsigned permissions);
// To be read.
[[nodiscard]] GOSSAMER_API std::pair<file, error> open(std::string_view path);
// To be read and written; empty, with permissions 0666 (but the umask) where it is new.
[[nodiscard]] GOSSAMER_API std::pair<file, error> create(std::string_view path);

// A file of a descriptor that is open already, which it takes over: the last handle closes it. One that does not block
// (O_NONBLOCK) parks the fiber and has deadlines, if it is of a kind that can be waited for; all else blocks the
// thread. A number that is none shows with the first call: `read NAME: bad file descriptor`. Negative: nil. From
// anywhere.
[[nodiscard]] GOSSAMER_API file new_file(int number, std::string_view name);
// A duplicate of a connection's or a listener's descriptor, which both may be used and closed by themselves. Errors:
// those of conn::duplicate(). Source: Go's TCPConn.File, TCPListener.File.
[[nodiscard]] GOSSAMER_API std::pair<file, error> file_of(const net::conn& c);
[[nodiscard]] GOSSAMER_API std::pair<file, error> file_of(const net::listener& l);

// The two ends of a pipe.
struct pipe_ends {
  file reader;
  file writer;
  error err;
};
// A pipe of the kernel, whose ends have deadlines.
[[nodiscard]] GOSSAMER_API pipe_ends pipe();

// The process's own, which neither close() nor the last handle closes for others: 0, 1, 2.
GOSSAMER_API const file& standard_input();
GOSSAMER_API const file& standard_output();
GOSSAMER_API const file& standard_error();

[[nodiscard]] GOSSAMER_API std::pair<std::string, error> read_file(std::string_view path);
// Replaces what it holds; `permissions` where it is new.
GOSSAMER_API error write_file(std::string_view path, std::span<const std::byte> content, unsigned permissions);
inline error write_file(std::string_view path, std::string_view content, unsigned permissions) {
  return write_file(path, std::as_bytes(std::span(content)), permissions);
}
GOSSAMER_API std::pair<file_info, error> stat(std::string_view path);
// A file, or a directory that is empty.
GOSSAMER_API error remove(std::string_view path);
// All of a directory, in the order of their names (as bytes). With an error what was read before it.
[[nodiscard]] GOSSAMER_API std::pair<std::vector<dir_entry>, error> read_dir(std::string_view path);

}  // namespace gossamer::inline v0::os
