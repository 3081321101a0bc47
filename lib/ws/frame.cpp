#include "ws/frame.hpp"

#include <bit>
#include <cstring>

namespace gossamer::inline v0::ws {

namespace {

constexpr std::size_t short_length = 126;  // two bytes follow
constexpr std::size_t long_length = 127;   // eight bytes follow

constexpr unsigned byte_of(char c) noexcept { return static_cast<unsigned char>(c); }

// The key, twice, as it lies in memory from the payload's byte number `at` on.
std::uint64_t key_word(const mask_key& key, std::uint64_t at) noexcept {
  std::array<unsigned char, 8> turned;
  for (std::size_t i = 0; i < turned.size(); i++) {
    turned[i] = key[(at + i) % key.size()];
  }
  return std::bit_cast<std::uint64_t>(turned);
}

}  // namespace

std::size_t header_bytes(std::string_view begin) noexcept {
  const unsigned second = byte_of(begin[1]);
  const unsigned length = second & 0x7fU;
  return 2 + (length == long_length ? 8U : length == short_length ? 2U : 0U) + ((second & 0x80U) != 0 ? 4U : 0U);
}

frame_header read_header(std::string_view bytes) noexcept {
  const unsigned first = byte_of(bytes[0]);
  const unsigned second = byte_of(bytes[1]);
  frame_header h;
  h.fin = (first & 0x80U) != 0;
  h.reserved = static_cast<std::uint8_t>(first >> 4U & 7U);
  h.op = static_cast<opcode>(first & 15U);
  h.masked = (second & 0x80U) != 0;
  h.length = second & 0x7fU;
  bytes.remove_prefix(2);
  if (h.length >= short_length) {
    const std::size_t n = h.length == short_length ? 2 : 8;
    h.length = 0;
    for (std::size_t i = 0; i < n; i++) {
      h.length = h.length << 8U | byte_of(bytes[i]);
    }
    bytes.remove_prefix(n);
  }
  if (h.masked) {
    std::memcpy(h.key.data(), bytes.data(), h.key.size());
  }
  return h;
}

written_header write_header(const frame_header& h) noexcept {
  written_header w;
  const auto put = [&w](std::uint64_t byte) { w.bytes[w.size++] = static_cast<char>(byte & 0xffU); };
  put((h.fin ? 0x80U : 0U) | static_cast<unsigned>(h.reserved) << 4U | static_cast<unsigned>(h.op));
  const std::size_t more = h.length > 0xffff ? 8 : h.length >= short_length ? 2 : 0;
  put((h.masked ? 0x80U : 0U) | (more == 8 ? long_length : more == 2 ? short_length : h.length));
  for (std::size_t i = more; i-- > 0;) {
    put(h.length >> (8 * i));
  }
  if (h.masked) {
    std::memcpy(w.bytes.data() + w.size, h.key.data(), h.key.size());
    w.size += h.key.size();
  }
  return w;
}

void copy_masked(std::byte* to, std::span<const std::byte> from, const mask_key& key, std::uint64_t at) noexcept {
  const std::uint64_t word = key_word(key, at);
  std::size_t i = 0;
  for (; i + 8 <= from.size(); i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, from.data() + i, 8);
    eight ^= word;
    std::memcpy(to + i, &eight, 8);
  }
  for (; i < from.size(); i++) {
    to[i] = from[i] ^ std::byte{key[(at + i) % key.size()]};
  }
}

void apply_mask(std::span<std::byte> bytes, const mask_key& key, std::uint64_t at) noexcept {
  copy_masked(bytes.data(), bytes, key, at);
}

}  // namespace gossamer::inline v0::ws
