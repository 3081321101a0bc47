// memory_conn: connections without sockets. See gossamer/http/test_server.hpp.
#pragma once

#include <optional>
#include <utility>

#include "gossamer/net/addr.hpp"
#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::http::test {

// The first end is at `a`, the second at `b`.
std::pair<net::conn, net::conn> memory_pipe_between(const net::addr& a, const net::addr& b);

// Whether a read would not wait: bytes lie there, or the end. Empty: of another kind. Waits for nobody.
std::optional<bool> memory_has_input(const net::conn& c);

}  // namespace gossamer::inline v0::http::test
