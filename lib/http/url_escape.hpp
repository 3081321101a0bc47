// url_escape: percent-encoding, by the place in a URL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossamer/error.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

// A bit each: a byte's entry in the table has those where it stands as it is.
enum class place : std::uint8_t { path = 1, segment = 2, host = 4, zone = 8, user = 16, query = 32, fragment = 64 };

namespace escape_detail {
inline constexpr auto plain_table = [] {
  std::array<std::uint8_t, 256> t{};
  const auto let = [&t](place where, std::string_view all) {
    for (const char c : all) {
      t[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(where);
    }
  };
  for (std::size_t i = 0; i < t.size(); i++) {
    const char c = static_cast<char>(i);
    t[i] = is_digit(c) || is_letter(c) || std::string_view("-_.~").find(c) != std::string_view::npos ? 0x7f : 0;
  }
  let(place::path, "$&+,/:;=@");
  let(place::segment, "$&+:=@");
  let(place::host, "!$&'()*+,;=:[]<>\"");
  let(place::zone, "!$&'()*+,;=:[]<>\"");
  let(place::user, "$&+,;=");
  let(place::fragment, "$&+,/:;=?@!()*");
  return t;
}();
}  // namespace escape_detail

// Whether the byte stands there without being encoded.
constexpr bool is_plain(char c, place where) noexcept {
  return (escape_detail::plain_table[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(where)) != 0;
}

void append_escaped(std::string& to, std::string_view text, place where);
[[nodiscard]] std::string escape(std::string_view text, place where);

// Appends to `to`; on failure nothing of use.
[[nodiscard]] gossamer::error append_unescaped(std::string& to, std::string_view text, place where);

// Whether the text may stand there as it is, encoded as it is.
bool is_valid_encoded(std::string_view text, place where) noexcept;

// Decodes `encoded` into `text`, and keeps it in `raw` where the usual encoding of that is another.
[[nodiscard]] gossamer::error decode_with_hint(std::string_view encoded, place where, std::string& text,
                                               std::string& raw);

}  // namespace gossamer::inline v0::http
