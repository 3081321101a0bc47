// hop_by_hop: fields that are for one connection only, and those by which proxies say for whom they ask.
#pragma once

#include <array>
#include <string_view>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Those that Connection names, and those that always are.
void remove_hop_by_hop(header& h);
// The same of trailers: h's Connection names them.
void remove_hop_by_hop(header& trailers, const header& h);

// A client's are not to be believed.
inline constexpr std::array<std::string_view, 4> forwarding_fields{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                                                   "X-Forwarded-Proto"};
// Takes both sorts out of a request's header or trailers; h is its header, as it came.
void remove_unpassed(header& fields, const header& h);

// Adds all of them.
void append_fields(header& to, const header& from);

}  // namespace gossamer::inline v0::http
