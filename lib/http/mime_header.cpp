#include "http/mime_header.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "gossamer/errors.hpp"
#include "gossamer/http/multipart.hpp"
#include "gossamer/io.hpp"
#include "http/ascii.hpp"
#include "http/field_faults.hpp"

namespace gossamer::inline v0::http {

namespace {

using std::string_view;

// Beside its text, what a field takes. Charged for each: a look whether the name is there already would be one through
// all of them.
constexpr std::int64_t field_bytes = 200;

bool next_is_blank(io::buffered_reader& from) {
  const auto [next, err] = from.peek(1);
  return !next.empty() && (next[0] == std::byte{' '} || next[0] == std::byte{'\t'});
}

// Appends a line without its end.
gossamer::error read_line(io::buffered_reader& from, std::int64_t limit, std::string& to) {
  const std::size_t before = to.size();
  for (;;) {
    const auto [piece, err] = from.read_slice('\n');
    to += piece;
    const std::size_t end = to.ends_with("\r\n") ? 2 : to.ends_with('\n') ? 1 : 0;
    if (std::cmp_greater(to.size() - before - end, limit)) {
      return multipart::message_too_large;
    }
    if (!err || (err == io::eof && to.size() > before)) {
      to.resize(std::max(to.size() - end, before));
      return nullptr;
    }
    if (err != io::buffer_full) {
      return err == io::eof ? gossamer::error(io::unexpected_eof) : err;
    }
  }
}

// A line, and those behind it that begin with a blank, joined by one.
gossamer::error read_field(io::buffered_reader& from, std::int64_t limit, std::string& line) {
  line.clear();
  if (const gossamer::error err = read_line(from, limit, line)) {
    return err;
  }
  if (line.empty()) {
    return nullptr;
  }
  if (line.find(':') == std::string::npos) {
    return malformed_field(": missing colon: ", line);
  }
  line = std::string(trim(line));
  while (next_is_blank(from)) {
    line += ' ';
    const std::size_t before = line.size();
    if (const gossamer::error err = read_line(from, limit - static_cast<std::int64_t>(before), line)) {
      return err;
    }
    line.replace(before, std::string::npos, std::string(trim(string_view(line).substr(before))));
  }
  return nullptr;
}

// Some write a blank before the colon.
bool is_field_name(string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c == ' ' || is_token_char(c); });
}

}  // namespace

std::pair<header, gossamer::error> read_mime_header(io::buffered_reader& from, mime_limits limits) {
  std::string line;
  if (next_is_blank(from)) {
    constexpr std::int64_t shown = 80;
    const gossamer::error err = read_line(from, shown, line);
    return {{}, err ? err : malformed_field(" initial line: ", line)};
  }
  header fields;
  for (;;) {
    if (limits.bytes < 0) {
      return {{}, multipart::message_too_large};
    }
    if (const gossamer::error err = read_field(from, limits.bytes, line)) {
      return {{}, err};
    }
    if (line.empty()) {
      return {std::move(fields), nullptr};
    }
    const std::size_t colon = line.find(':');
    const string_view name = string_view(line).substr(0, colon);
    const string_view value = trim(string_view(line).substr(colon + 1));
    if (!is_field_name(name) || !is_field_value(value)) {
      return {{}, malformed_field(" line: ", line)};
    }
    limits.fields--;
    limits.bytes -= field_bytes + static_cast<std::int64_t>(name.size() + value.size());
    if (limits.fields < 0 || limits.bytes < 0) {
      return {{}, multipart::message_too_large};
    }
    fields.add(name, value);
  }
}

}  // namespace gossamer::inline v0::http
