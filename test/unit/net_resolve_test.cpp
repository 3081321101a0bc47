// net: from text to addresses of one kind, and back to names.
#include <net/if.h>
#include <gossamer/net.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "net_pair.hpp"

using namespace gossamer;

namespace {

net::ip address(std::string_view text) { return net::ip::parse(text).value_or(net::ip()); }

// The address's text, or the error's.
template <class Address>
std::string shown(const std::pair<Address, error>& result) {
  if (result.second) {
    CHECK(result.first == Address());
    return result.second.text();
  }
  return result.first.text();
}

}  // namespace

FIBER_TEST("net: host and port become an address of tcp or of udp") {
  struct {
    std::string version;  // behind tcp and udp
    std::string_view address;
    net::ip ip;
    std::uint16_t port;
  } const cases[] = {
      {"", "127.0.0.1:0", net::ip(127, 0, 0, 1), 0},
      {"4", "127.0.0.1:65535", net::ip(127, 0, 0, 1), 65535},
      {"", "[::1]:0", address("::1"), 0},
      {"6", "[::1]:65535", address("::1"), 65535},
      {"6", "[fe80::1%911]:2", net::ip(address("fe80::1").bytes(), 911), 2},
      {"", ":12345", net::ip(), 12345},
      {"6", ":12345", net::ip(), 12345},
      {"", "", net::ip(), 0},
      {"", "[127.0.0.1]:80", net::ip(127, 0, 0, 1), 80},
      {"", "[::ffff:127.0.0.1]:80", net::ip(127, 0, 0, 1), 80},
      {"4", "[::ffff:127.0.0.1]:80", net::ip(127, 0, 0, 1), 80},
      {"", "[::]:7", address("::"), 7},
      {"4", "[::]:7", net::ip(0, 0, 0, 0), 7},
      {"", "127.0.0.1:domain", net::ip(127, 0, 0, 1), 53},
      {"6", "[2001:db8::1]:domain", address("2001:db8::1"), 53},
      {"", "localhost:80", net::ip(127, 0, 0, 1), 80},
      {"4", "localhost:80", net::ip(127, 0, 0, 1), 80},
      {"6", "localhost:80", address("::1"), 80},
      {"", "[localhost]:80", address("::1"), 80},
      {"", "127.0.0.1:", net::ip(127, 0, 0, 1), 0},
      {"", "127.0.0.1:+80", net::ip(127, 0, 0, 1), 80},
  };
  for (const auto& c : cases) {
    CHECK(net::resolve_tcp_addr("tcp" + c.version, c.address) == std::pair(net::tcp_addr{c.ip, c.port}, error()));
    CHECK(net::resolve_udp_addr("udp" + c.version, c.address) == std::pair(net::udp_addr{c.ip, c.port}, error()));
    if (c.version.empty()) {
      CHECK(net::resolve_tcp_addr("", c.address) == net::resolve_tcp_addr("tcp", c.address));
      CHECK(net::resolve_udp_addr("", c.address) == net::resolve_udp_addr("udp", c.address));
    }
  }
  CHECK(shown(net::resolve_tcp_addr("tcp", "127.0.0.1:http")) == "127.0.0.1:80");
  CHECK(shown(net::resolve_tcp_addr("tcp", "[::1]:https")) == "[::1]:443");
}

FIBER_TEST("net: what is no address of that network is said as a dial says it, without the dial") {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"http", "127.0.0.1:0", "unknown network http"},
      {"udp", "127.0.0.1:0", "unknown network udp"},
      {"unix", "127.0.0.1:0", "unknown network unix"},
      {"ip", "127.0.0.1", "unknown network ip"},
      {"tcp", "127.0.0.1", "address 127.0.0.1: missing port in address"},
      {"tcp", "a:b:c", "address a:b:c: too many colons in address"},
      {"tcp", "[::1:80", "address [::1:80: missing ']' in address"},
      {"tcp", "127.0.0.1:99999", "address 99999: invalid port"},
      {"tcp", "127.0.0.1:-1", "address -1: invalid port"},
      {"tcp", "127.0.0.1:no-such", "lookup tcp/no-such: unknown port"},
      {"", "127.0.0.1:no-such", "lookup tcp/no-such: unknown port"},
      {"tcp", "127.1:80", "lookup 127.1: no such host"},
      {"tcp", "[::1x]:80", "lookup ::1x: no such host"},
      {"tcp", "nobody.invalid:80", "lookup nobody.invalid: no such host"},
      {"tcp4", "[2001:db8::1]:80", "address 2001:db8::1: no suitable address found"},
      {"tcp6", "127.0.0.1:80", "address 127.0.0.1: no suitable address found"},
      {"tcp6", "[::ffff:127.0.0.1]:80", "address ::ffff:127.0.0.1: no suitable address found"},
  };
  for (const auto& [network, text, why] : cases) {
    CHECK(shown(net::resolve_tcp_addr(network, text)) == why);
  }
  CHECK(shown(net::resolve_udp_addr("tcp", "127.0.0.1:0")) == "unknown network tcp");
  CHECK(shown(net::resolve_udp_addr("udp", "127.0.0.1:no-such")) == "lookup udp/no-such: unknown port");
  CHECK(errors::as<net::dns_error>(net::resolve_udp_addr("udp", "nobody.invalid:80").second)->not_found());
}

FIBER_TEST("net: any text is the address of a unix socket") {
  for (const std::string_view network : {"unix", "unixgram", "unixpacket"}) {
    for (const std::string_view name : {"", "/run/x.sock", "@x", "127.0.0.1:80"}) {
      CHECK(net::resolve_unix_addr(network, name) ==
            std::pair(net::unix_addr{std::string(name), std::string(network)}, error()));
    }
  }
  CHECK(shown(net::resolve_unix_addr("tcp", "/x")) == "unknown network tcp");
  CHECK(shown(net::resolve_unix_addr("", "/x")) == "unknown network ");
}

FIBER_TEST("net: what was resolved is good for datagrams, and for where to dial from") {
  auto [server, e1] = net::listen_packet("udp", "127.0.0.1:0");
  const auto [to, e2] = net::resolve_udp_addr("udp", "localhost:" + std::to_string(server.local_addr().port()));
  CHECK(e2 == nil);
  auto [client, e3] = net::listen_packet("udp", "127.0.0.1:0");
  CHECK(client.write_to("x", to) == net::io_result(1, nil));
  char buf[4];
  CHECK(std::get<1>(server.read_from(buf)) == client.local_addr());
  const support::bound_listener place;
  net::dialer how;
  std::tie(how.local_addr, e1) = net::resolve_tcp_addr("tcp", "127.0.0.1:0");
  CHECK(how.dial("tcp", place.place()).second == nil);
}

FIBER_TEST("net: the name of this machine's own address, and of none") {
  const auto [names, err] = net::lookup_addr("127.0.0.1");
  CHECK(err == nil);
  CHECK(names.size() == 1);
  CHECK(net::lookup_addr("::ffff:127.0.0.1").first == names);
  for (const std::string_view text : {"", "foo", "127.1", "10.0.0.256", "127.0.0.1:80", "[::1]", "::1x", "localhost"}) {
    const auto [none, why] = net::lookup_addr(text);
    CHECK(none.empty());
    CHECK((why && why.text() == "lookup " + std::string(text) + ": invalid address"));
    CHECK(!errors::as<net::dns_error>(why)->not_found());
  }
  CHECK(net::lookup_addr(std::string_view("127.0.0.1\0x", 11)).second != nil);
}

PLAIN_TEST("net: addresses are resolved and named from plain threads, too") {
  CHECK(shown(net::resolve_tcp_addr("tcp", "localhost:80")) == "127.0.0.1:80");
  CHECK(net::lookup_addr("127.0.0.1").second == nil);
}
