// cut_now: ends a connection without a word.
#pragma once

#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::http {

// Ends it at once, whatever is being read or written: whoever does so learns it. By any fiber.
void cut_now(const net::conn& c);

}  // namespace gossamer::inline v0::http
