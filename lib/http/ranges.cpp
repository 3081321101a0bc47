#include "http/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <tuple>

#include "http/ascii.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::http {

namespace {

constexpr std::ptrdiff_t most_ranges = 200;

// Digits alone; nothing of anything else, and of what does not fit.
std::optional<std::int64_t> number_of(std::string_view s) noexcept {
  std::int64_t n = 0;
  const auto [end, problem] = std::from_chars(s.data(), s.data() + s.size(), n);
  return problem == std::errc() && end == s.data() + s.size() && is_digit(s.front()) ? std::optional(n) : std::nullopt;
}

// One of a list: `1-2`, `1-`, `-2`.
range_status parse_one(std::string_view s, std::int64_t size, byte_range& to) {
  if (s.find('-') == std::string_view::npos) {
    return range_status::malformed;
  }
  const auto [first_text, last_text] = cut(s, '-');
  const std::string_view first = trim(first_text);
  const std::string_view last = trim(last_text);
  if (first.empty()) {
    const auto n = number_of(last);
    if (!n) {
      return range_status::malformed;
    }
    to.length = std::min(*n, size);
    to.start = size - to.length;
    return to.length > 0 ? range_status::good : range_status::outside;
  }
  const auto start = number_of(first);
  if (!start) {
    return range_status::malformed;
  }
  if (*start >= size) {
    return range_status::outside;
  }
  std::int64_t end = size - 1;
  if (!last.empty()) {
    const auto n = number_of(last);
    if (!n || *n < *start) {
      return range_status::malformed;
    }
    end = std::min(*n, end);
  }
  to = {*start, end - *start + 1};
  return range_status::good;
}

}  // namespace

parsed_ranges parse_ranges(std::string_view field, std::int64_t size) {
  constexpr std::string_view unit = "bytes=";
  if (field.empty()) {
    return {};
  }
  if (!field.starts_with(unit)) {
    return {range_status::malformed, {}};
  }
  std::string_view left = field.substr(unit.size());
  if (std::ranges::count(left, ',') >= most_ranges) {
    return {};
  }
  parsed_ranges all;
  bool some_outside = false;
  while (!left.empty()) {
    std::string_view one;
    std::tie(one, left) = cut(left, ',');
    if (one = trim(one); one.empty()) {
      continue;
    }
    byte_range r{};
    switch (parse_one(one, size, r)) {
      case range_status::malformed:
        return {range_status::malformed, {}};
      case range_status::outside:
        some_outside = true;
        break;
      case range_status::good:
        all.ranges.push_back(r);
    }
  }
  all.status = some_outside && all.ranges.empty() ? range_status::outside : range_status::good;
  return all;
}

std::string content_range(const byte_range& r, std::int64_t size) {
  return "bytes " + std::to_string(r.start) + "-" + std::to_string(r.start + r.length - 1) + "/" + std::to_string(size);
}

}  // namespace gossamer::inline v0::http
