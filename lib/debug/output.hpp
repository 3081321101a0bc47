// output: where a dump goes, in pieces of a size that a pipe takes whole; the first error ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossamer/debug.hpp"

namespace gossamer::inline v0::debug {

class output {
 public:
  explicit output(const sink& to) : to_(to) {}
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  void write(std::string_view text);
  // Hands on what is left. The first error, if there was one.
  error finish();
  bool failed() const noexcept { return static_cast<bool>(problem_); }

 private:
  void hand_on();

  const sink to_;
  std::string buffer_;
  error problem_;
};

struct descriptor {
  int fd;
  std::chrono::milliseconds patience = std::chrono::seconds(5);  // with one that takes nothing
};

// A sink's function for what *to is: a descriptor.
error put_to_descriptor(void* to, std::string_view piece);

}  // namespace gossamer::inline v0::debug
