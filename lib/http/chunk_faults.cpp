#include "http/chunk_faults.hpp"

#include <algorithm>

#include "gossamer/io_errors.hpp"
#include "http/ascii.hpp"
#include "http/cut.hpp"
#include "http/field_faults.hpp"
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
constinit const errors::sentinel cut_trailer{"http: unexpected EOF reading trailer"};
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

// The first of the lines behind that of the last chunk that is no field.
gossamer::error fault_of_trailers(std::string_view lines) {
  while (!lines.empty()) {
    auto [line, rest] = cut(lines, '\n');
    lines = rest;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    const auto [name, value] = cut(line, ':');
    if (name.size() == line.size() || !is_token(name) || !is_field_value(value)) {
      return line.empty() ? gossamer::error(malformed_chunk) : fault_of_field(line);
    }
  }
  return malformed_chunk;
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

gossamer::error fault_of_unfinished(std::string_view unread, bool behind_data) {
  if (behind_data && !line_end.starts_with(unread.substr(0, line_end.size()))) {
    return malformed_chunk;
  }
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

gossamer::error fault_of_end(std::string_view unread) {
  const bool in_trailers = at_last_chunk(unread) && behind_line_end(unread).find('\n') != std::string_view::npos;
  return in_trailers ? gossamer::error(cut_trailer) : gossamer::error(io::unexpected_eof);
}

gossamer::error fault_of_chunk(std::string_view unread, bool behind_data) {
  if (behind_data && !unread.starts_with(line_end)) {
    return malformed_chunk;
  }
  const auto [line, rest] = cut(behind_data ? unread.substr(line_end.size()) : unread, '\n');
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
  std::string_view text = line.substr(0, end);
  text.remove_suffix(text.size() - (text.find_last_not_of(" \t") + 1));
  const std::string_view digits = cut(text, ';').first;
  return at_last_chunk(unread) ? fault_of_trailers(rest) : fault_of_digits(digits);
}

}  // namespace gossamer::inline v0::http
