// http/media_type: the values of Content-Type and Content-Disposition fields.
// Source: Go's mime.ParseMediaType and FormatMediaType; RFC 2045, 2183, 2231.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"

namespace gossamer::inline v0::http::mime {

// `mime: invalid media parameter`
GOSSAMER_API extern const errors::sentinel invalid_media_parameter;

// By name, in lower case.
using parameters = std::map<std::string, std::string, std::less<>>;

// `text/html; charset=utf-8`: the type in lower case, and its parameters, of which those that come in pieces or encoded
// (RFC 2231) are put together. Errors: invalid_media_parameter, with the type, where one of them is malformed; and
// without it `mime: no media type`, `mime: expected slash after first token`, `mime: expected token after slash`,
// `mime: unexpected content after media subtype`, `mime: duplicate parameter name`. From anywhere.
[[nodiscard]] GOSSAMER_API std::tuple<std::string, parameters, gossamer::error> parse_media_type(std::string_view text);

// The inverse: names and the type in lower case, values in quotes or encoded where they must be. Empty where the type
// or a name is no token. From anywhere.
[[nodiscard]] GOSSAMER_API std::string format_media_type(std::string_view type, const parameters& all = {});

}  // namespace gossamer::inline v0::http::mime
