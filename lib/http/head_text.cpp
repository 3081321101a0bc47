#include "http/head_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "http/ascii.hpp"
#include "http/stable_order.hpp"

namespace gossamer::inline v0::http {

void append_number(std::string& to, std::int64_t n, int base) {
  std::array<char, 24> text;
  const auto [end, bad] = std::to_chars(text.data(), text.data() + text.size(), n, base);
  static_cast<void>(bad);
  to.append(text.data(), end);
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to += name;
  to += ": ";
  const std::size_t at = to.size();
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = std::min(value.find_first_not_of(blank), value.size());
  to += value.substr(first, value.find_last_not_of(blank) + 1 - first);
  std::replace_if(
      to.begin() + static_cast<std::ptrdiff_t>(at), to.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  to += "\r\n";
}

void append_chunk_line(std::string& to, std::size_t length) {
  append_number(to, static_cast<std::int64_t>(length), 16);
  to += "\r\n";
}

void append_sorted(std::string& to, const header& fields, bool (*skip)(std::string_view name) noexcept) {
  constexpr std::size_t usual = 32;
  std::array<const header::field*, usual> few;
  std::vector<const header::field*> many(fields.size() > usual ? fields.size() : 0);
  const auto place = many.empty() ? std::span<const header::field*>(few) : std::span(many);
  std::size_t n = 0;
  for (const header::field& f : fields) {
    if (is_token(f.name) && !skip(f.name)) {
      place[n++] = &f;
    }
  }
  sort_by_name(place.first(n));
  for (const header::field* f : place.first(n)) {
    append_field(to, f->name, f->value);
  }
}

void append_without_body(std::string& to, const header& fields) {
  for (const header::field& f : fields) {
    if (is_token(f.name) && f.name != "Content-Length" && f.name != "Transfer-Encoding") {
      append_field(to, f.name, f.value);
    }
  }
}

// There are few, and mostly they are in order: nothing is allocated then.
void sort_by_name(std::span<const header::field*> fields) {
  const auto key = [](const header::field* f) { return std::string_view(f->name); };
  constexpr std::size_t few = 32;
  if (std::ranges::is_sorted(fields, {}, key)) {
    return;
  }
  if (fields.size() > few) {
    sort_in_order(fields, key);
    return;
  }
  for (auto at = fields.begin(); at != fields.end(); ++at) {
    std::rotate(std::ranges::upper_bound(fields.begin(), at, key(*at), {}, key), at, at + 1);
  }
}

}  // namespace gossamer::inline v0::http
