// io_errors: see gossamer/io_errors.hpp.
#include "gossamer/io_errors.hpp"

#include <cctype>
#include <cerrno>
#include <system_error>

#include "gossamer/errors.hpp"

namespace gossamer::inline v0::os {

// Source: Go's texts are the kernel's in lower case; "RPC version wrong" and the like stay.
std::string system_error::text() const {
  std::string message = std::system_category().message(code_);
  const auto upper = [&](std::size_t i) {
    return i < message.size() && std::isupper(static_cast<unsigned char>(message[i])) != 0;
  };
  if (upper(0) && !upper(1)) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return message;
}

bool system_error::timeout() const { return code_ == EAGAIN || code_ == ETIMEDOUT; }

// Source: Go's syscall.Errno.Is.
bool system_error::is(const error& target) const {
  return (target == permission && (code_ == EACCES || code_ == EPERM)) ||
         (target == exist && (code_ == EEXIST || code_ == ENOTEMPTY)) || (target == not_exist && code_ == ENOENT) ||
         (target == errors::unsupported && (code_ == ENOSYS || code_ == EOPNOTSUPP || code_ == ENOTSUP));
}

error system_error::unwrap() const { return std::error_code(code_, std::system_category()); }

std::string syscall_error::text() const { return name_ + (": " + system_error(code_).text()); }

bool syscall_error::timeout() const { return system_error(code_).timeout(); }

// Source: Go's syscall.Errno.Temporary.
bool syscall_error::temporary() const noexcept {
  return code_ == EINTR || code_ == EMFILE || code_ == ENFILE || code_ == ENOBUFS || code_ == ENOMEM || timeout();
}

error syscall_error::unwrap() const { return system_error(code_); }

}  // namespace gossamer::inline v0::os

namespace gossamer::inline v0::io {

constinit const errors::sentinel eof{"EOF"};
constinit const errors::sentinel unexpected_eof{"unexpected EOF"};
constinit const errors::sentinel closed_pipe{"io: read/write on closed pipe"};
constinit const errors::sentinel short_write{"short write"};
constinit const errors::sentinel too_long{"bufio.Scanner: token too long"};

}  // namespace gossamer::inline v0::io

namespace gossamer::inline v0::os {

constinit const errors::sentinel deadline_exceeded{"i/o timeout", true};
constinit const errors::sentinel permission{"permission denied"};
constinit const errors::sentinel exist{"file already exists"};
constinit const errors::sentinel not_exist{"file does not exist"};

}  // namespace gossamer::inline v0::os
