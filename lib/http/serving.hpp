// serving: what the answers of files have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "gossamer/http/file_server.hpp"
#include "http/conditional.hpp"

namespace gossamer::inline v0::http {

// See serve_content(). The content stands at its start; `size`: nothing, and it cannot be found out.
void serve_sized(response_writer& w, request& r, std::string_view name, modified when, const io::read_seeker& content,
                 const std::function<std::optional<std::int64_t>()>& size);

// An error, without the fields that were meant for the content.
void serve_failure(response_writer& w, std::string_view text, int code);

// A page with a link to each that the directory holds.
void serve_listing(response_writer& w, request& r, const description& directory);

}  // namespace gossamer::inline v0::http
