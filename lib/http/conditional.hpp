// conditional: what a request says about what its client has already.
// Source: Go's net/http; RFC 9110, 13.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"

namespace gossamer::inline v0::http {

// When the content was changed, as Last-Modified says it: whole seconds; nothing if it is not known.
using modified = std::optional<std::chrono::sys_seconds>;
[[nodiscard]] modified modified_at(std::chrono::system_clock::time_point modtime) noexcept;

enum class condition : std::uint8_t { none, holds, fails };

[[nodiscard]] condition if_modified_since(const request& r, modified when);

// What becomes of the request, in the order of RFC 9110, 13.2.2. `range`: what stands in Range, and counts.
struct decision {
  enum class kind : std::uint8_t { go_on, not_modified, precondition_failed };
  kind what = kind::go_on;
  std::string_view range;
};
[[nodiscard]] decision decide(const request& r, std::string_view etag, modified when);

void set_last_modified(response_writer& w, modified when);
// 304, with what belongs to it.
void answer_not_modified(response_writer& w);

}  // namespace gossamer::inline v0::http
