#include "http/field_faults.hpp"

#include <algorithm>

#include "gossamer/errors.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

bool is_field_value(std::string_view value) noexcept {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t') || byte == 0x7f;
  });
}

gossamer::error malformed_field(std::string_view what, std::string_view line) {
  return errors::make("malformed MIME header", what, quote(line));
}

gossamer::error fault_of_field(std::string_view line) {
  const bool has_colon = line.find(':') != std::string_view::npos;
  return malformed_field(has_colon ? " line: " : ": missing colon: ", line);
}

}  // namespace gossamer::inline v0::http
