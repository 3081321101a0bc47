// frame: how messages are cut up on the wire. RFC 6455, 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gossamer::inline v0::ws {

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(opcode o) noexcept { return (static_cast<unsigned>(o) & 8U) != 0; }
constexpr bool is_known(opcode o) noexcept { return o <= opcode::binary || (o >= opcode::close && o <= opcode::pong); }

inline constexpr std::size_t most_control_bytes = 125;
inline constexpr std::size_t most_reason_bytes = most_control_bytes - 2;
inline constexpr std::size_t most_header_bytes = 14;

using mask_key = std::array<unsigned char, 4>;

struct frame_header {
  bool fin = true;
  std::uint8_t reserved = 0;  // RSV1, 2 and 3 as 4, 2 and 1
  opcode op = opcode::continuation;
  bool masked = false;
  mask_key key{};
  std::uint64_t length = 0;  // of the payload; over 2^63 - 1 where the peer breaks the rules
};
// RSV1: the message is compressed (RFC 7692).
inline constexpr std::uint8_t compressed_bit = 4;

// How many bytes a header has that begins with these, of which there are at least two.
std::size_t header_bytes(std::string_view begin) noexcept;
// `bytes` is a whole header.
frame_header read_header(std::string_view bytes) noexcept;

// A header as it is sent.
struct written_header {
  std::array<char, most_header_bytes> bytes;
  std::size_t size = 0;
  std::string_view text() const noexcept { return {bytes.data(), size}; }
};
written_header write_header(const frame_header& h) noexcept;

// Masks, or unmasks, what lies `at` bytes behind the payload's begin.
void apply_mask(std::span<std::byte> bytes, const mask_key& key, std::uint64_t at) noexcept;
// The same on the way from one place to another, for a payload's begin.
void copy_masked(std::byte* to, std::span<const std::byte> from, const mask_key& key, std::uint64_t at) noexcept;

}  // namespace gossamer::inline v0::ws
