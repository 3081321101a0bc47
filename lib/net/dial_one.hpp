// dial_one: a connection to one address, by what a dialer says of it.
#pragma once

#include <utility>

#include "gossamer/net/dial.hpp"
#include "net/socket.hpp"

namespace gossamer::inline v0::net {

// The error is an op_error. Calls the dialer's hook.
std::pair<conn, error> dial_one(const network& net, const addr& to, const dialer& how, const limits& l);

// No host, or 0.0.0.0, or ::, which the kernel takes for this machine.
inline bool is_wildcard(const addr& a) noexcept { return !a.ip() || a.ip().is_unspecified(); }

}  // namespace gossamer::inline v0::net
