// http/json_text: what json.hpp needs of the library, which does not know Boost.JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::http {
class request;
class response_writer;
}  // namespace gossamer::inline v0::http

namespace gossamer::inline v0::http::json_detail {

// In quotes, as Go's encoder has it: `<`, `>`, `&`, U+2028 and U+2029 escaped, what is no UTF-8 as U+FFFD.
GOSSAMER_API void append_text(std::string& to, std::string_view text);
// As Go's: fixed between 1e-6 and 1e21. False, and nothing is appended, where it is no number, or infinite.
GOSSAMER_API bool append_number(std::string& to, double number);
GOSSAMER_API void append_number(std::string& to, std::int64_t number);
GOSSAMER_API void append_number(std::string& to, std::uint64_t number);
// Content-Type, unless there is one, the status, and the text.
GOSSAMER_API gossamer::error answer(response_writer& w, int status, std::string_view text);
GOSSAMER_API gossamer::error unsupported_number(double number);
// The body, of at most `limit` bytes.
GOSSAMER_API std::pair<std::string, gossamer::error> read_body(request& r, std::int64_t limit);

}  // namespace gossamer::inline v0::http::json_detail
