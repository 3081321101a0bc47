// pattern: what a serve_mux compares requests with: method, host, and the path in segments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/error.hpp"

namespace gossamer::inline v0::http {

struct pattern {
  // A path that ends in `/` has a nameless `rest` as its last segment, one that ends in `{$}` the literal `/`.
  struct segment {
    enum class kind { literal, one, rest };
    kind is = kind::literal;
    std::string text;  // decoded; or the wildcard's name

    bool is_slash() const noexcept { return is == kind::literal && text == "/"; }
  };

  std::string text;
  std::string method;  // empty: any
  std::string host;    // empty: any
  std::vector<segment> segments;
  std::string place;  // `file:line`

  bool has_rest() const noexcept { return segments.back().is == segment::kind::rest; }
};

// Error: `at offset 3: empty wildcard`.
[[nodiscard]] std::pair<pattern, gossamer::error> parse_pattern(std::string_view text);

// Why the two cannot stand beside each other: some requests match both, and neither is more specific. None if they can.
[[nodiscard]] std::optional<std::string> conflict_of(const pattern& a, const pattern& b);

}  // namespace gossamer::inline v0::http
