// look_up: from what users write to addresses.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "net/socket.hpp"

namespace gossamer::inline v0::net {

// The addresses that `address` stands for on that network, at least one, or an op_error of `op`. An empty host gives an
// address without an ip.
std::pair<std::vector<addr>, error> resolve(const network& net, std::string_view address, const char* op,
                                            const limits& l);

// The same on a network that is none of unix sockets, with an error that is no op_error. No address is one without an
// ip and with port 0.
std::pair<std::vector<addr>, error> addresses_of(const network& net, std::string_view address, const limits& l);

}  // namespace gossamer::inline v0::net
