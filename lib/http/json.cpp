#include "gossamer/http/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "gossamer/errors.hpp"
#include "gossamer/http/max_bytes.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"
#include "gossamer/io.hpp"
#include "http/hex.hpp"
#include "http/utf8.hpp"

namespace gossamer::inline v0::http::json_detail {

namespace {

// Stand in quotes as they are.
constexpr auto plain_table = [] {
  std::array<bool, 256> t{};
  for (std::size_t c = ' '; c < 0x80; c++) {
    t[c] = std::string_view("\"\\<>&").find(static_cast<char>(c)) == std::string_view::npos;
  }
  return t;
}();

void append_escaped(std::string& to, unsigned char c) {
  constexpr std::string_view special = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  if (const std::size_t at = special.find(static_cast<char>(c)); at != special.npos) {
    (to += '\\') += letters[at];
    return;
  }
  to += "\\u00";
  append_hex(to, c, lower_hex);
}

// The one at the front of `text`; returns its length.
std::size_t append_rune(std::string& to, std::string_view text) {
  const auto [value, bytes] = decode_rune(text);
  if (bytes == 0) {
    to += "\xef\xbf\xbd";
    return 1;
  }
  if (value == 0x2028 || value == 0x2029) {
    to += value == 0x2028 ? "\\u2028" : "\\u2029";
  } else {
    to += text.substr(0, bytes);
  }
  return bytes;
}

template <class Number, class... Format>
void append_chars(std::string& to, Number number, Format... format) {
  std::array<char, 64> room{};
  const auto end = std::to_chars(room.data(), room.data() + room.size(), number, format...).ptr;
  to.append(room.data(), end);
}

}  // namespace

void append_text(std::string& to, std::string_view text) {
  to += '"';
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && plain_table[static_cast<unsigned char>(text[end])]) {
      end++;
    }
    to += text.substr(i, end - i);
    i = end;
    if (i == text.size()) {
      break;
    }
    if (const auto c = static_cast<unsigned char>(text[i]); c < 0x80) {
      append_escaped(to, c);
      i++;
    } else {
      i += append_rune(to, text.substr(i));
    }
  }
  to += '"';
}

bool append_number(std::string& to, double number) {
  if (!std::isfinite(number)) {
    return false;
  }
  const double size = std::fabs(number);
  const bool fixed = size == 0 || (size >= 1e-6 && size < 1e21);
  const std::size_t before = to.size();
  append_chars(to, number, fixed ? std::chars_format::fixed : std::chars_format::scientific);
  // e-09 as e-9.
  if (const std::size_t e = to.find("e-0", before); e != std::string::npos) {
    to.erase(e + 2, 1);
  }
  return true;
}
void append_number(std::string& to, std::int64_t number) { append_chars(to, number); }
void append_number(std::string& to, std::uint64_t number) { append_chars(to, number); }

gossamer::error unsupported_number(double number) {
  return errors::make("json: unsupported value: ", std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf");
}

gossamer::error answer(response_writer& w, int status, std::string_view text) {
  if (!w.header().has("Content-Type")) {
    w.header().set("Content-Type", "application/json");
  }
  w.write_header(status);
  return w.write(text).second;
}

std::pair<std::string, gossamer::error> read_body(request& r, std::int64_t limit) {
  // One more than may come, to see whether it does.
  auto [text, err] = io::read_all(
      io::limit_reader(r.body, limit < 0 ? 1 : std::min(limit, std::numeric_limits<std::int64_t>::max() - 1) + 1));
  if (!err && std::cmp_greater(text.size(), limit)) {
    err = max_bytes_error(limit);
  } else if (!err && text.empty()) {
    err = io::eof;
  }
  return {std::move(text), std::move(err)};
}

}  // namespace gossamer::inline v0::http::json_detail
