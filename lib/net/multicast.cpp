// multicast: a socket that hears what is sent to a group. See gossamer/net/dial.hpp.
// Source: Go's net.ListenMulticastUDP.
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <string>

#include "gossamer/errors.hpp"
#include "gossamer/net/dial.hpp"
#include "net/packet_socket.hpp"

namespace gossamer::inline v0::net {

namespace {

// As raw_socket::set(), what is no number.
template <class T>
trouble set(const raw_socket& raw, int level, int name, const T& value) noexcept {
  return ::setsockopt(raw.number(), level, name, &value, sizeof value) == 0 ? trouble()
                                                                            : trouble::of("setsockopt", errno);
}

trouble join_v4(raw_socket& raw, const ip& group, int interface) noexcept {
  ip_mreqn how{};
  how.imr_ifindex = interface;
  trouble t = interface == 0 ? trouble() : set(raw, IPPROTO_IP, IP_MULTICAST_IF, how);
  t = t ? t : raw.set(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  std::memcpy(&how.imr_multiaddr, group.bytes().data(), sizeof how.imr_multiaddr);
  return t ? t : set(raw, IPPROTO_IP, IP_ADD_MEMBERSHIP, how);
}

trouble join_v6(raw_socket& raw, const ip& group, int interface) noexcept {
  ipv6_mreq how{};
  how.ipv6mr_interface = static_cast<unsigned>(interface);
  trouble t = interface == 0 ? trouble() : raw.set(IPPROTO_IPV6, IPV6_MULTICAST_IF, interface);
  t = t ? t : raw.set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  std::memcpy(&how.ipv6mr_multiaddr, group.bytes().data(), sizeof how.ipv6mr_multiaddr);
  return t ? t : set(raw, IPPROTO_IPV6, IPV6_JOIN_GROUP, how);
}

// Several may listen for the same group and port; each hears it.
trouble stand(raw_socket& raw, const network& net, const udp_addr& group, int interface) noexcept {
  assert(group.ip);
  const bool v6 = group.ip.is_v6();
  trouble t = raw.make(v6 ? AF_INET6 : AF_INET, net.type);
  t = t || !v6 ? t : raw.set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  t = t ? t : raw.set(SOL_SOCKET, SO_REUSEADDR, 1);
  t = t ? t : raw.bind(udp_addr{v6 ? ip(ip::v6_bytes{}) : ip(0, 0, 0, 0), group.port});
  return t ? t : (v6 ? join_v6 : join_v4)(raw, group.ip, interface);
}

// Why that cannot be listened for.
error refusal(const network* net, std::string_view name, const udp_addr& group) {
  if (net == nullptr || net->of != network::kind::udp) {
    return unknown_network_error(std::string(name));
  }
  if (!group.ip) {
    return addr_error("missing address", "");
  }
  const int version = group.ip.is_v6() ? 6 : 4;
  return net->version == 0 || net->version == version ? error() : addr_error("no suitable address", group.ip.text());
}

}  // namespace

std::pair<packet_conn, error> listen_multicast_udp(std::string_view name, std::string_view interface_name,
                                                   const udp_addr& group) {
  const network* const net = find_network(name);
  const auto fail = [&](error err) {
    return std::pair(packet_conn(), error(op_error("listen", std::string(name), nullptr, group, std::move(err))));
  };
  if (error err = refusal(net, name, group)) {
    return fail(std::move(err));
  }
  const unsigned interface = interface_name.empty() ? 0 : ::if_nametoindex(std::string(interface_name).c_str());
  if (interface == 0 && !interface_name.empty()) {
    return fail(errno == ENODEV || errno == ENXIO ? errors::make("no such network interface")
                                                  : trouble::of("if_nametoindex", errno).err({}));
  }
  raw_socket raw;
  trouble t = stand(raw, *net, group, static_cast<int>(interface));
  auto* const made = new packet_socket(*net);
  packet_conn c(made);
  if (!t) {
    made->socket().set_addresses(local_addr_of(raw.number(), *net), nullptr);
    t = made->socket().open(raw);
    made->socket().fd().leaves_set_first();
  }
  return t ? fail(t.err({})) : std::pair(std::move(c), error());
}

}  // namespace gossamer::inline v0::net
