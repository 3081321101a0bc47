#include "http/chunk_faults.hpp"

#include <algorithm>

#include "http/ascii.hpp"
#include "http/cut.hpp"
#include "http/hex.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel too_much_overhead{"chunked encoding contains too much non-data"};

namespace {

constinit const errors::sentinel malformed_chunk{"malformed chunked encoding"};
constinit const errors::sentinel bare_line_feed{"chunked line ends with bare LF"};
constinit const errors::sentinel stray_return{"invalid CR in chunked line"};
constinit const errors::sentinel chunk_line_too_long{"header line too long"};
constinit const errors::sentinel no_digits{"empty hex number for chunk length"};
constinit const errors::sentinel invalid_digit{"invalid byte in chunk length"};
constinit const errors::sentinel chunk_too_long{"http chunk length too large"};
constinit const errors::sentinel long_trailer{"http: suspiciously long trailer after chunked body"};

constexpr std::string_view line_end = "\r\n";

constexpr bool is_hex_digit(char c) noexcept { return hex_value(c) >= 0; }

// What comes behind the end of a chunk's data, if that is what stands first.
constexpr std::string_view behind_line_end(std::string_view text) noexcept {
  return text.starts_with(line_end) ? text.substr(line_end.size()) : text;
}

// Behind the end of a chunk's data stands the line of the last one, and what comes then are trailers.
bool at_last_chunk(std::string_view text) noexcept {
  const std::string_view line = behind_line_end(text);
  const std::size_t behind = line.find_first_not_of('0');
  return behind != 0 && behind != std::string_view::npos && (line[behind] == '\r' || line[behind] == ';');
}

gossamer::error fault_of_digits(std::string_view digits) {
  if (digits.empty()) {
    return no_digits;
  }
  constexpr std::size_t most = 16;
  if (!std::ranges::all_of(digits.substr(0, most), is_hex_digit)) {
    return invalid_digit;
  }
  if (digits.size() > most) {
    return is_hex_digit(digits[most]) ? chunk_too_long : invalid_digit;
  }
  return malformed_chunk;
}

}  // namespace

bool may_be_short_last_chunk(std::string_view unread) noexcept {
  constexpr std::size_t shortest = 5;
  const std::size_t digits = unread.find_first_not_of(line_end);
  return unread.size() < shortest && digits != std::string_view::npos && unread[digits] == '0';
}

gossamer::error fault_of_unfinished(std::string_view unread) {
  const std::string_view line = behind_line_end(unread);
  const std::size_t end = line.find('\n');
  if (end != std::string_view::npos && (end == 0 || line[end - 1] != '\r')) {
    return bare_line_feed;
  }
  if (unread.size() < longest_chunk_line) {
    return nullptr;
  }
  return at_last_chunk(unread) ? long_trailer : chunk_line_too_long;
}

gossamer::error fault_of_chunk(std::string_view unread, bool behind_data) {
  if (behind_data && !unread.starts_with(line_end)) {
    return malformed_chunk;
  }
  const std::string_view line = cut(behind_data ? unread.substr(line_end.size()) : unread, '\n').first;
  const std::size_t end = line.find('\r');
  if (end == std::string_view::npos) {
    return bare_line_feed;
  }
  if (end + 1 != line.size()) {
    return stray_return;
  }
  if (end >= longest_chunk_line) {
    return chunk_line_too_long;
  }
  return fault_of_digits(cut(trim(line.substr(0, end)), ';').first);
}

}  // namespace gossamer::inline v0::http
