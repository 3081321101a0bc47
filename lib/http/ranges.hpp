// ranges: what a Range field asks for.
// Source: Go's net/http; RFC 9110, 14.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gossamer::inline v0::http {

struct byte_range {
  std::int64_t start;
  std::int64_t length;  // > 0

  friend bool operator==(const byte_range&, const byte_range&) = default;
};

enum class range_status : std::uint8_t { good, malformed, outside };

// `good` with no range: the whole. Each that is there lies within `size`; they may overlap, and repeat. More than 200
// are none. `outside`: not one of them does.
struct parsed_ranges {
  range_status status = range_status::good;
  std::vector<byte_range> ranges;
};

// Of `bytes=0-99,200-,-5`; empty: none.
[[nodiscard]] parsed_ranges parse_ranges(std::string_view field, std::int64_t size);

// `bytes 0-99/1000`.
[[nodiscard]] std::string content_range(const byte_range& r, std::int64_t size);

}  // namespace gossamer::inline v0::http
