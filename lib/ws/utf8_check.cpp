#include "ws/utf8_check.hpp"

#include <cstring>

namespace gossamer::inline v0::ws {

namespace {

// How many bytes at the front are ASCII, in steps of eight.
std::size_t ascii_bytes(std::span<const std::byte> s) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, s.data() + i, 8);
    if ((eight & 0x8080808080808080U) != 0) {
      break;
    }
  }
  return i;
}

}  // namespace

// False: no code point begins so.
bool utf8_check::begin(std::uint8_t first) noexcept {
  if (first < 0xc2 || first > 0xf4) {
    return false;
  }
  missing_ = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  least_ = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  most_ = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return true;
}

bool utf8_check::feed(std::span<const std::byte> piece) noexcept {
  while (!piece.empty()) {
    if (missing_ == 0) {
      piece = piece.subspan(ascii_bytes(piece));
      if (piece.empty()) {
        break;
      }
    }
    const auto byte = std::to_integer<std::uint8_t>(piece.front());
    piece = piece.subspan(1);
    if (missing_ > 0) {
      if (byte < least_ || byte > most_) {
        return false;
      }
      missing_--;
      least_ = 0x80;
      most_ = 0xbf;
    } else if (byte >= 0x80 && !begin(byte)) {
      return false;
    }
  }
  return true;
}

}  // namespace gossamer::inline v0::ws
