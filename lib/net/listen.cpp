// listen: listeners, and sockets for datagrams that are bound. See gossamer/net/dial.hpp.
// Source: Go's net.ListenConfig.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <string>
#include <tuple>

#include "gossamer/net/dial.hpp"
#include "net/look_up.hpp"
#include "net/packet_socket.hpp"
#include "net/socket_listener.hpp"

namespace gossamer::inline v0::net {

namespace {

// What the kernel allows.
int most_backlog() noexcept {
  static const int most = [] {
    int n = 0;
    if (FILE* f = std::fopen("/proc/sys/net/core/somaxconn", "re")) {
      if (std::fscanf(f, "%d", &n) != 1) {
        n = 0;
      }
      std::fclose(f);
    }
    return n > 0 ? n : SOMAXCONN;
  }();
  return most;
}

// ---- how they are made ----------------------------------------------------------------------------------------------

// A socket that is to be bound there. Source: Go's favoriteAddrFamily, setDefaultSockopts.
trouble make_socket(const network& net, const addr& where_to, bool reuse_port, raw_socket& made) {
  const ip host = where_to.ip();
  const bool every = !net.is_unix() && (!host || host.is_unspecified());
  const bool both = every && net.version == 0;
  int family = net.is_unix() ? AF_UNIX : both || net.version == 6 || (!every && host.is_v6()) ? AF_INET6 : AF_INET;
  trouble t = made.make(family, net.type);
  if (both && t && t.code == EAFNOSUPPORT) {
    t = made.make(family = AF_INET, net.type);
  }
  if (!t && family == AF_INET6) {
    t = made.set(IPPROTO_IPV6, IPV6_V6ONLY, both ? 0 : 1);
  }
  if (!t && net.of == network::kind::udp && family == AF_INET) {
    t = made.set(SOL_SOCKET, SO_BROADCAST, 1);
  }
  if (!t && net.of == network::kind::tcp) {
    t = made.set(SOL_SOCKET, SO_REUSEADDR, 1);
  }
  if (!t && reuse_port) {
    t = made.set(SOL_SOCKET, SO_REUSEPORT, 1);
  }
  return t;
}

// Where to listen; the first IPv4 address of several, as in Go.
std::pair<addr, error> place_of(const network& net, std::string_view address, const limits& l) {
  auto [all, err] = resolve(net, address, "listen", l);
  if (err) {
    return {nullptr, std::move(err)};
  }
  const auto v4 = std::find_if(all.begin(), all.end(), [](const addr& a) { return a.ip().is_v4(); });
  return {v4 != all.end() ? *v4 : all.front(), nullptr};
}

error fail_to_listen(const network& net, const addr& at, error why) {
  return op_error("listen", std::string(net.name), nullptr, at, std::move(why));
}

error fail_to_listen(const network& net, const addr& at, const trouble& t) {
  return fail_to_listen(net, at, t.err({}));
}

error unknown(std::string_view name) {
  return op_error("listen", std::string(name), nullptr, nullptr, unknown_network_error(std::string(name)));
}

// Source: Go's ListenConfig, which names the address of a host twice.
error wrong_kind(const network& net, const addr& at) {
  return op_error("listen", std::string(net.name), nullptr, at,
                  addr_error("unexpected address type", net.is_unix() ? std::string() : at.text()));
}

// A socket that stands at its address, to be listened on or for datagrams.
struct standing {
  const network* net = nullptr;
  addr at;
  raw_socket raw;

  error stand(const listen_config& how, std::string_view name, std::string_view address, bool to_listen,
              const limits& l) {
    net = find_network(name);
    if (net == nullptr) {
      return unknown(name);
    }
    error err;
    std::tie(at, err) = place_of(*net, address, l);
    if (err) {
      return err;
    }
    assert(net->has(at));
    if (net->has_listeners() != to_listen) {
      return wrong_kind(*net, at);
    }
    if (const trouble t = make_socket(*net, at, how.reuse_port, raw)) {
      return fail_to_listen(*net, at, t);
    }
    err = how.control ? how.control(net->exact_name(raw.family()), at.text(), raw.number()) : error();
    if (err) {
      return fail_to_listen(*net, at, std::move(err));
    }
    const trouble t = raw.bind(at);
    return t ? fail_to_listen(*net, at, t) : error();
  }
};

}  // namespace

std::pair<listener, error> listen_config::listen(std::string_view name, std::string_view address, const ending& end,
                                                 here where) const {
  standing s;
  if (error err = s.stand(*this, name, address, true, {end, detail::no_deadline, where})) {
    return {nullptr, std::move(err)};
  }
  auto& [net, at, raw] = s;
  auto* const made = new socket_listener(*net, at);
  listener l(made);
  trouble t;
  if (::listen(raw.number(), backlog > 0 ? backlog : most_backlog()) != 0) {
    t = trouble::of("listen", errno);
  } else {
    t = made->open(raw, keep_alive_config, keep_alive);
  }
  return t ? std::pair(listener(), fail_to_listen(*net, at, t)) : std::pair(std::move(l), error());
}

std::pair<packet_conn, error> listen_config::listen_packet(std::string_view name, std::string_view address,
                                                           const ending& end, here where) const {
  standing s;
  if (error err = s.stand(*this, name, address, false, {end, detail::no_deadline, where})) {
    return {nullptr, std::move(err)};
  }
  auto& [net, at, raw] = s;
  auto* const made = new packet_socket(*net, at);
  packet_conn c(made);
  made->socket().set_addresses(local_addr_of(raw.number(), *net), nullptr);
  const trouble t = made->socket().open(raw);
  made->socket().fd().leaves_set_first();
  return t ? std::pair(packet_conn(), fail_to_listen(*net, at, t)) : std::pair(std::move(c), error());
}

}  // namespace gossamer::inline v0::net
