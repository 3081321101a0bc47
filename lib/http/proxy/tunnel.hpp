// tunnel: two connections that are one from now on.
#pragma once

#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::http {

// Passes on what either reads to the other, and the end of it as well, until both directions have ended or one of them
// has failed. Then both connections are closed.
void join_connections(const net::conn& a, const net::conn& b);

}  // namespace gossamer::inline v0::http
