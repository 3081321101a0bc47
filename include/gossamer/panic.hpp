// panic: Go's panic as a C++ exception.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "detail/config.hpp"

namespace gossamer::inline v0 {

// What panic() throws. Catching it is Go's recover(). One that leaves a fiber ends the process: `panic: TEXT`, the
// fiber, where it was spawned, exit code 2.
class GOSSAMER_API panic_error : public std::exception {
 public:
  explicit panic_error(std::string text) : text_(std::move(text)) {}
  panic_error(const panic_error&) = default;
  panic_error& operator=(const panic_error&) = default;
  ~panic_error() override;

  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

// Throws panic_error with `text`. From anywhere.
[[noreturn]] GOSSAMER_API void panic(std::string_view text);

}  // namespace gossamer::inline v0
