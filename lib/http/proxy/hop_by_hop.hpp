// hop_by_hop: fields that are for one connection only.
#pragma once

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Those that Connection names, and those that always are.
void remove_hop_by_hop(header& h);

// Adds all of them.
void append_fields(header& to, const header& from);

}  // namespace gossamer::inline v0::http
