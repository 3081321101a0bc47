// byte_reader: reads what DWARF describes things with: numbers of fixed size, in the machine's order, and in LEB128.
// Source: the DWARF 4 standard, 7.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::machine {

// At the end it gives zeros, and is not sound any more.
class byte_reader {
 public:
  byte_reader(const std::byte* from, const std::byte* end) noexcept : at_(from), end_(end) {}

  bool at_end() const noexcept { return at_ >= end_; }
  bool sound() const noexcept { return sound_; }
  const std::byte* place() const noexcept { return at_; }
  void skip(std::uint64_t bytes) noexcept {
    if (bytes > static_cast<std::uint64_t>(end_ - at_)) {
      sound_ = false;
      bytes = static_cast<std::uint64_t>(end_ - at_);
    }
    at_ += bytes;
  }
  template <class T>
  T fixed() noexcept {
    T value{};
    if (static_cast<std::size_t>(end_ - at_) < sizeof(T)) {
      sound_ = false;
      at_ = end_;
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::uint64_t unsigned_leb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto b = fixed<std::uint8_t>();
      if (shift < 64) {
        value |= std::uint64_t{b & 0x7fU} << shift;
      }
      if ((b & 0x80U) == 0) {
        return value;
      }
    }
  }
  std::int64_t signed_leb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto b = fixed<std::uint8_t>();
      if (shift < 64) {
        value |= std::uint64_t{b & 0x7fU} << shift;
      }
      shift += 7;
      if ((b & 0x80U) == 0) {
        return static_cast<std::int64_t>(shift < 64 && (b & 0x40U) != 0 ? value | ~std::uint64_t{0} << shift : value);
      }
    }
  }

 private:
  const std::byte* at_;
  const std::byte* end_;
  bool sound_ = true;
};

}  // namespace gossamer::inline v0::machine
