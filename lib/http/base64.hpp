// base64: bytes as letters. RFC 4648, 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

std::string encode_base64(std::string_view bytes);
// With its padding; line ends are skipped. None where it is malformed. Source: Go's base64.StdEncoding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace gossamer::inline v0::http
