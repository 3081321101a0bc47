// io_errors: see gossamer/io_errors.hpp.
#include "gossamer/io_errors.hpp"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace gossamer::inline v0::os {

// Source: Go's texts are the kernel's in lower case; "RPC version wrong" and the like stay.
std::string syscall_error::text() const {
  std::string message = std::system_category().message(code_);
  const auto upper = [&](std::size_t i) {
    return i < message.size() && std::isupper(static_cast<unsigned char>(message[i])) != 0;
  };
  if (upper(0) && !upper(1)) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return name_ + (": " + message);
}

bool syscall_error::timeout() const { return code_ == EAGAIN || code_ == ETIMEDOUT; }

// Source: Go's syscall.Errno.Temporary.
bool syscall_error::temporary() const noexcept {
  return code_ == EINTR || code_ == EMFILE || code_ == ENFILE || code_ == ENOBUFS || code_ == ENOMEM || timeout();
}

error syscall_error::unwrap() const { return std::error_code(code_, std::system_category()); }

}  // namespace gossamer::inline v0::os
