// trailers: the fields that follow an answer's body.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Not what says how the message is to be framed, routed or trusted.
bool may_be_trailer(std::string_view name) noexcept;

// What the fields that were sent have declared to be trailers, and may be: sorted, each once. There may be as many as
// there are fields.
std::vector<std::string> declared_trailers(const header& sent);

// Of the fields as they are at the end those that are trailers, by their names. Values are views of `fields`.
std::vector<std::pair<std::string, std::string_view>> trailers_of(const header& fields, const header& sent);

}  // namespace gossamer::inline v0::http
