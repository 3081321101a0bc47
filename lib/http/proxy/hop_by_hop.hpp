// hop_by_hop: fields that are for one connection only.
#pragma once

#include <string_view>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Those that Connection names, and those that always are.
void remove_hop_by_hop(header& h);

// Adds all of them.
void append_fields(header& to, const header& from);

// Whether one of the fields of that name has the token in its list.
bool lists_token(const header& h, std::string_view name, std::string_view token) noexcept;

// To which protocol it wants to go over; empty: none. A view of a value.
std::string_view upgrade_type(const header& h) noexcept;

}  // namespace gossamer::inline v0::http
