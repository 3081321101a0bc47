// utf8_check: whether text that comes in pieces is UTF-8 (RFC 3629), told as early as it can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gossamer::inline v0::ws {

class utf8_check {
 public:
  // False as soon as no text can begin so.
  bool feed(std::span<const std::byte> piece) noexcept;
  // Whether it ends with a whole code point.
  bool is_whole() const noexcept { return missing_ == 0; }
  void reset() noexcept { missing_ = 0; }

 private:
  bool begin(std::uint8_t first) noexcept;

  std::uint8_t missing_ = 0;  // bytes of the code point that has begun
  // While missing_ > 0: what the next one may be. Narrower than 0x80 to 0xbf behind some first bytes, which keeps
  // surrogates, code points over 0x10ffff and longer forms than needed out.
  std::uint8_t least_ = 0x80;
  std::uint8_t most_ = 0xbf;
};

}  // namespace gossamer::inline v0::ws
