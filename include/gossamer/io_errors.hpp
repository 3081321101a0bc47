// io_errors: the errors that io, os and net share; their headers bring them.
// Source: Go's io.EOF and its kin, os.ErrDeadlineExceeded, os.SyscallError.
#pragma once

#include <string>
#include <utility>

#include "detail/config.hpp"
#include "error.hpp"

namespace gossamer::inline v0 {

namespace io {

// The end of what is read: no failure. Functions return it as it is, so that it may be compared with ==.
GOSSAMER_API extern const errors::sentinel eof;  // EOF
// The end came in the middle of what was to be read.
GOSSAMER_API extern const errors::sentinel unexpected_eof;  // unexpected EOF
// A read from or a write to a pipe that is closed.
GOSSAMER_API extern const errors::sentinel closed_pipe;  // io: read/write on closed pipe
// A write took less than it was given, and did not say why.
GOSSAMER_API extern const errors::sentinel short_write;  // short write
// A line of a buffered_reader is longer than its limit, a scanner's token than its buffer. Source: Go's bufio.
GOSSAMER_API extern const errors::sentinel too_long;  // bufio.Scanner: token too long

}  // namespace io

namespace os {

// The deadline of a read, a write or an accept has passed. A timeout.
GOSSAMER_API extern const errors::sentinel deadline_exceeded;  // i/o timeout

// What an error of the kernel is, as errors::is() finds it. Source: Go's oserror.
GOSSAMER_API extern const errors::sentinel permission;  // permission denied
GOSSAMER_API extern const errors::sentinel exist;       // file already exists
GOSSAMER_API extern const errors::sentinel not_exist;   // file does not exist

// What the kernel says: `no such file or directory`. It wraps the code, so that errors::is(err,
// std::errc::no_such_file_or_directory) finds it. Source: Go's syscall.Errno.
class GOSSAMER_API system_error final : public errors::base {
 public:
  explicit system_error(int code) noexcept : code_(code) {}
  // The errno.
  int code() const noexcept { return code_; }
  std::string text() const override;
  bool timeout() const override;
  bool is(const error& target) const override;
  error unwrap() const override;

 private:
  int code_;
};

// What the kernel refused, and in which call: `connect: connection refused`. It wraps the code, so that
// errors::is(err, std::errc::connection_refused) finds it.
class GOSSAMER_API syscall_error final : public errors::base {
 public:
  // `name` must be a literal.
  syscall_error(const char* name, int code) noexcept : name_(name), code_(code) {}
  const char* name() const noexcept { return name_; }
  // The errno.
  int code() const noexcept { return code_; }
  std::string text() const override;
  bool timeout() const override;
  // Whether the same call may well succeed later: no descriptors are left, or the peer was too fast.
  bool temporary() const noexcept;
  error unwrap() const override;

 private:
  const char* name_;
  int code_;
};

}  // namespace os

}  // namespace gossamer::inline v0
