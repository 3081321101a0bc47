// random: what nobody can guess.
#pragma once

#include <sys/random.h>

#include <array>
#include <cstddef>
#include <string>

#include "gossamer/panic.hpp"
#include "http/hex.hpp"

namespace gossamer::inline v0::http {

// So many bytes, from the kernel.
template <std::size_t Bytes>
std::array<unsigned char, Bytes> random_bytes() {
  static_assert(Bytes <= 256);  // so many come at once
  std::array<unsigned char, Bytes> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(Bytes)) {
    panic("getrandom failed");
  }
  return bytes;
}

// 2 * Bytes hexadecimal digits, from them.
template <std::size_t Bytes>
std::string random_hex() {
  const auto bytes = random_bytes<Bytes>();
  std::string text;
  for (const unsigned char byte : bytes) {
    append_hex(text, byte, lower_hex);
  }
  return text;
}

}  // namespace gossamer::inline v0::http
