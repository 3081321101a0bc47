// resolve: see gossamer/net/resolve.hpp.
#include "gossamer/net/resolve.hpp"

#include <algorithm>
#include <cassert>

#include "net/look_up.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = network::kind;

// Source: Go's addrList.forResolve: what names no version prefers IPv4, unless the host is written in brackets.
addr favorite(const std::vector<addr>& all, const network& net, std::string_view address) {
  assert(!all.empty());
  const bool wants_v6 = net.version == 0 && address.find('[') != address.npos;
  const auto found = std::find_if(all.begin(), all.end(), [&](const addr& a) { return a.ip().is_v4() != wants_v6; });
  return found != all.end() ? *found : all.front();
}

// `usual`: what an empty network is.
template <class Address>
std::pair<Address, error> resolve_as(kind of, std::string_view usual, std::string_view name, std::string_view address,
                                     const limits& l) {
  const network* const net = find_network(name.empty() ? usual : name);
  if (net == nullptr || net->of != of) {
    return {{}, unknown_network_error(std::string(name))};
  }
  auto [all, err] = addresses_of(*net, address, l);
  if (err) {
    return {{}, std::move(err)};
  }
  return {*favorite(all, *net, address).template as<Address>(), nullptr};
}

}  // namespace

std::pair<tcp_addr, error> resolve_tcp_addr(std::string_view network, std::string_view address, const ending& end,
                                            std::source_location where) {
  return resolve_as<tcp_addr>(kind::tcp, "tcp", network, address, {end, detail::no_deadline, where});
}

std::pair<udp_addr, error> resolve_udp_addr(std::string_view network, std::string_view address, const ending& end,
                                            std::source_location where) {
  return resolve_as<udp_addr>(kind::udp, "udp", network, address, {end, detail::no_deadline, where});
}

std::pair<unix_addr, error> resolve_unix_addr(std::string_view name, std::string_view address) {
  const network* const net = find_network(name);
  if (net == nullptr || !net->is_unix()) {
    return {{}, unknown_network_error(std::string(name))};
  }
  return {unix_addr{std::string(address), std::string(name)}, nullptr};
}

}  // namespace gossamer::inline v0::net
