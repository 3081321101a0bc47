// net: what allow lists are made of: networks, masks, and the classes of addresses.
#include <gossamer/net.hpp>

#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;

namespace {

net::ip address(std::string_view text) { return net::ip::parse(text).value_or(net::ip()); }

// A mask of 16 bytes that is written as an IPv6 address.
net::ip_mask long_mask(std::string_view text) { return net::ip_mask(address(text).bytes()); }

// 192.0.2.0 and the like as a mask of 16 bytes, as Go's ParseIP gives them.
net::ip_mask mapped_mask(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return net::ip_mask(net::ip::v6_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d});
}

// `IP NETWORK`, or the error's text.
std::string parsed(std::string_view text) {
  const auto [ip, in, err] = net::parse_cidr(text);
  if (err) {
    CHECK(ip == net::ip());
    CHECK(in == net::ip_net());
    return err.text();
  }
  return ip.text() + " " + in.text();
}

}  // namespace

// ---- masks ----------------------------------------------------------------------------------------------------------

PLAIN_TEST("net: a mask of so many ones has them, and says how many; there is none of other lengths") {
  CHECK(net::cidr_mask(0, 32) == net::ipv4_mask(0, 0, 0, 0));
  CHECK(net::cidr_mask(12, 32) == net::ipv4_mask(255, 240, 0, 0));
  CHECK(net::cidr_mask(24, 32) == net::ipv4_mask(255, 255, 255, 0));
  CHECK(net::cidr_mask(32, 32) == net::ipv4_mask(255, 255, 255, 255));
  CHECK(net::cidr_mask(0, 128) == long_mask("::"));
  CHECK(net::cidr_mask(4, 128) == long_mask("f000::"));
  CHECK(net::cidr_mask(48, 128) == long_mask("ffff:ffff:ffff::"));
  CHECK(net::cidr_mask(128, 128) == long_mask("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  for (const int bits : {32, 128}) {
    for (int ones = 0; ones <= bits; ++ones) {
      CHECK(net::cidr_mask(ones, bits).size() == std::pair(ones, bits));
    }
  }
  for (const auto& [ones, bits] : {std::pair(33, 32), {32, 33}, {-1, 32}, {-1, 128}, {129, 128}, {128, -1}, {0, 0}}) {
    const net::ip_mask none = net::cidr_mask(ones, bits);
    CHECK(!none);
    CHECK(none == nullptr);
    CHECK(none.size() == std::pair(0, 0));
    CHECK(none.text() == "<nil>");
  }
}

PLAIN_TEST("net: a mask with ones behind a zero has no size, but a text") {
  for (const net::ip_mask& m :
       {net::ipv4_mask(255, 0, 255, 0), net::ipv4_mask(0, 0, 0, 1), net::ipv4_mask(0x81, 0, 0, 0),
        net::ipv4_mask(255, 255, 255, 253), long_mask("::1"), long_mask("ffff::1")}) {
    CHECK(m.size() == std::pair(0, 0));
    CHECK(m);
  }
  CHECK(net::ipv4_mask(255, 0, 10, 0).text() == "ff000a00");
  CHECK(net::ipv4_mask(255, 255, 255, 240).text() == "fffffff0");
  CHECK(long_mask("ffff:ff80::").text() == "ffffff80000000000000000000000000");
  std::ostringstream shown;
  shown << net::cidr_mask(20, 32) << ' ' << net::ip_net{net::ip(10, 1, 0, 0), net::cidr_mask(16, 32)};
  CHECK(shown.str() == "fffff000 10.1.0.0/16");
}

PLAIN_TEST("net: an address under a mask keeps the bits that the mask has") {
  struct {
    net::ip in;
    net::ip_mask mask;
    std::string_view out;
  } const cases[] = {
      {address("192.168.1.127"), net::ipv4_mask(255, 255, 255, 128), "192.168.1.0"},
      {address("192.168.1.127"), mapped_mask(255, 255, 255, 192), "192.168.1.64"},
      {address("192.168.1.127"), long_mask("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffe0"), "192.168.1.96"},
      {address("192.168.1.127"), net::ipv4_mask(255, 0, 255, 0), "192.0.1.0"},
      {address("::ffff:192.168.1.127"), net::ipv4_mask(255, 0, 255, 0), "192.0.1.0"},
      {address("192.168.1.127"), net::cidr_mask(64, 128), "::"},
      {address("2001:db8::1"), long_mask("ffff:ff80::"), "2001:d80::"},
      {address("2001:db8::1"), long_mask("f0f0:0f0f::"), "2000:d08::"},
      {net::ip(address("fe80::1").bytes(), 7), net::cidr_mask(128, 128), "fe80::1"},
  };
  for (const auto& c : cases) {
    CHECK(c.in.mask(c.mask).text() == c.out);
  }
  CHECK(!address("2001:db8::1").mask(net::ipv4_mask(255, 255, 255, 0)));
  CHECK(!address("192.168.1.1").mask(nullptr));
  CHECK(!address("2001:db8::1").mask(net::ip_mask()));
  CHECK(!net::ip().mask(net::cidr_mask(8, 32)));
  CHECK(!net::ip().mask(net::cidr_mask(8, 128)));
}

PLAIN_TEST("net: an IPv4 address has the mask of its class, others have none") {
  CHECK(net::ip(0, 1, 2, 3).default_mask() == net::cidr_mask(8, 32));
  CHECK(net::ip(127, 1, 2, 3).default_mask() == net::cidr_mask(8, 32));
  CHECK(net::ip(128, 1, 2, 3).default_mask() == net::cidr_mask(16, 32));
  CHECK(net::ip(191, 255, 2, 3).default_mask() == net::cidr_mask(16, 32));
  CHECK(net::ip(192, 168, 1, 1).default_mask() == net::cidr_mask(24, 32));
  CHECK(net::ip(255, 255, 255, 255).default_mask() == net::cidr_mask(24, 32));
  CHECK(address("::ffff:10.0.0.1").default_mask() == net::cidr_mask(8, 32));
  CHECK(!net::ipv6_loopback.default_mask());
  CHECK(!net::ip().default_mask());
}

// ---- networks -------------------------------------------------------------------------------------------------------

PLAIN_TEST("net: a CIDR is an address and the network around it") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"135.104.0.0/32", "135.104.0.0 135.104.0.0/32"},
      {"0.0.0.0/24", "0.0.0.0 0.0.0.0/24"},
      {"135.104.0.1/24", "135.104.0.1 135.104.0.0/24"},
      {"255.255.255.255/1", "255.255.255.255 128.0.0.0/1"},
      {"1.2.3.4/0", "1.2.3.4 0.0.0.0/0"},
      {"1.2.3.4/08", "1.2.3.4 1.0.0.0/8"},
      {"::1/128", "::1 ::1/128"},
      {"abcd:2345::/127", "abcd:2345:: abcd:2345::/127"},
      {"abcd:2345::/65", "abcd:2345:: abcd:2345::/65"},
      {"abcd:2345::/33", "abcd:2345:: abcd:2345::/33"},
      {"abcd:2345::/31", "abcd:2345:: abcd:2344::/31"},
      {"abcd:2345::/24", "abcd:2345:: abcd:2300::/24"},
      {"2001:DB8::1/48", "2001:db8::1 2001:db8::/48"},
      {"::1.2.3.4/128", "::102:304 ::102:304/128"},
      {"::/0", ":: ::/0"},
      // A mapped address has 128 bits there, as it is written.
      {"::ffff:1.2.3.4/120", "1.2.3.4 1.2.3.0/24"},
      {"::ffff:1.2.3.4/64", "1.2.3.4 ::/64"},
  };
  for (const auto& [text, both] : cases) {
    CHECK(parsed(text) == both);
  }
  const auto [ip, in, err] = net::parse_cidr("192.0.2.1/24");
  CHECK(in == net::ip_net{net::ip(192, 0, 2, 0), net::cidr_mask(24, 32)});
  CHECK(in.network() == "ip+net");
}

PLAIN_TEST("net: what is no CIDR is refused, whatever its shape, and named in the error") {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "/"sv,
                                      "//"sv,
                                      "/8"sv,
                                      "1.2.3.4"sv,
                                      "1.2.3.4/"sv,
                                      "::1"sv,
                                      "::1/"sv,
                                      "192.168.1.1/255.255.255.0"sv,
                                      "192.168.1.1/33"sv,
                                      "192.168.1.1/35"sv,
                                      "192.168.1.1/ff"sv,
                                      "192.168.1.1/0x8"sv,
                                      "192.168.1.1/+8"sv,
                                      "192.168.1.1/-1"sv,
                                      "192.168.1.1/ 8"sv,
                                      "192.168.1.1/8 "sv,
                                      " 192.168.1.1/8"sv,
                                      "192.168.1.1 /8"sv,
                                      "192.168.1.1/8/8"sv,
                                      "192.168.1.1/8.0"sv,
                                      "192.168.1.1/4294967304"sv,
                                      "192.168.1.1/99999999999999999999"sv,
                                      "2001:db8::1/129"sv,
                                      "2001:db8::1/-1"sv,
                                      "2001:db8::1/-0"sv,
                                      "fe80::1%lo/64"sv,
                                      "fe80::1%1/64"sv,
                                      "192.168.1.1%lo/8"sv,
                                      "1.2.3/8"sv,
                                      "1.2.3.4.5/8"sv,
                                      "256.0.0.1/8"sv,
                                      "01.2.3.4/8"sv,
                                      "1.2.3.04/8"sv,
                                      "0x1.2.3.4/8"sv,
                                      "1..3.4/8"sv,
                                      ".1.2.3/8"sv,
                                      "1.2.3./8"sv,
                                      "-0.0.0.0/32"sv,
                                      "0.-1.0.0/32"sv,
                                      "0.0.-2.0/32"sv,
                                      "0.0.0.-3/32"sv,
                                      "+1.2.3.4/8"sv,
                                      "0.0.0.0/-0"sv,
                                      "[::1]/64"sv,
                                      ":/64"sv,
                                      ":::/64"sv,
                                      "1::2::3/64"sv,
                                      "12345::/64"sv,
                                      "g::/64"sv,
                                      "1:2:3:4:5:6:7/64"sv,
                                      "1:2:3:4:5:6:7:8:9/64"sv,
                                      "::1:2:3:4:5:6:7:8/64"sv,
                                      "::ffff:1.2.3/120"sv,
                                      "::ffff:1.2.3.4/129"sv,
                                      "1.2.3.4\0/8"sv,
                                      "1.2.3.4/8\0"sv,
                                      "localhost/8"sv,
                                      "1.2.3.4:80/8"sv}) {
    CHECK(parsed(text) == "invalid CIDR address: " + std::string(text));
  }
  const error err = std::get<2>(net::parse_cidr("10.0.0.1"));
  const auto* const p = errors::as<net::parse_error>(err);
  CHECK(p != nullptr);
  CHECK(p->type() == std::string_view("CIDR address"));
  CHECK(p->malformed() == "10.0.0.1");
}

PLAIN_TEST("net: a network has the addresses that agree with it where its mask has ones") {
  struct {
    std::string_view ip;
    net::ip_net in;
    bool yes;
  } const cases[] = {
      {"172.16.1.1", {net::ip(172, 16, 0, 0), net::cidr_mask(12, 32)}, true},
      {"172.24.0.1", {net::ip(172, 16, 0, 0), net::cidr_mask(13, 32)}, false},
      {"192.168.0.3", {net::ip(192, 168, 0, 0), net::ipv4_mask(0, 0, 255, 252)}, true},
      {"192.168.0.4", {net::ip(192, 168, 0, 0), net::ipv4_mask(0, 255, 0, 252)}, false},
      {"1.2.3.4", {net::ip(9, 9, 9, 9), net::cidr_mask(0, 32)}, true},
      {"2001:db8:1:2::1", {address("2001:db8:1::"), net::cidr_mask(47, 128)}, true},
      {"2001:db8:1:2::1", {address("2001:db8:2::"), net::cidr_mask(47, 128)}, false},
      {"2001:db8:1:2::1", {address("2001:db8:1::"), long_mask("ffff:0:ffff::")}, true},
      {"2001:db8:1:2::1", {address("2001:db8:1::"), long_mask("0:0:0:ffff::")}, false},
      // The other version, also where the mask has no ones.
      {"::1", {net::ip(0, 0, 0, 0), net::cidr_mask(0, 32)}, false},
      {"1.2.3.4", {address("::"), net::cidr_mask(0, 128)}, false},
      {"::ffff:10.1.2.3", {net::ip(10, 0, 0, 0), net::cidr_mask(8, 32)}, true},
      // A mask of 16 bytes has its last four for an IPv4 address; one of 4 none for IPv6.
      {"10.1.2.3", {net::ip(10, 1, 2, 0), net::cidr_mask(120, 128)}, true},
      {"10.1.3.3", {net::ip(10, 1, 2, 0), net::cidr_mask(120, 128)}, false},
      {"::1", {address("::1"), net::cidr_mask(32, 32)}, false},
      {"10.0.0.1", {net::ip(10, 0, 0, 1), nullptr}, false},
      {"10.0.0.1", {}, false},
      {"", {net::ip(10, 0, 0, 0), net::cidr_mask(8, 32)}, false},
      {"", {net::ip(0, 0, 0, 0), net::cidr_mask(0, 32)}, false},
      {"", {}, false},
  };
  for (const auto& c : cases) {
    CHECK(c.in.contains(address(c.ip)) == c.yes);
  }
}

PLAIN_TEST("net: a network's text has the length of its mask, or the mask, or is that of none") {
  CHECK(net::ip_net{net::ip(192, 168, 1, 0), net::cidr_mask(26, 32)}.text() == "192.168.1.0/26");
  CHECK(net::ip_net{net::ip(192, 168, 1, 0), net::ipv4_mask(255, 0, 255, 0)}.text() == "192.168.1.0/ff00ff00");
  CHECK(net::ip_net{net::ip(192, 168, 1, 0), mapped_mask(255, 0, 255, 0)}.text() == "192.168.1.0/ff00ff00");
  CHECK(net::ip_net{net::ip(192, 168, 1, 0), net::cidr_mask(64, 128)}.text() == "192.168.1.0/0");
  CHECK(net::ip_net{address("2001:db8::"), net::cidr_mask(55, 128)}.text() == "2001:db8::/55");
  CHECK(net::ip_net{address("2001:db8::"), long_mask("8000:f123:0:cafe::")}.text() ==
        "2001:db8::/8000f1230000cafe0000000000000000");
  CHECK(net::ip_net().text() == "<nil>");
  CHECK(net::ip_net{net::ip(10, 0, 0, 0), nullptr}.text() == "<nil>");
  CHECK(net::ip_net{net::ip(), net::cidr_mask(8, 32)}.text() == "<nil>");
  CHECK(net::ip_net{address("::1"), net::cidr_mask(8, 32)}.text() == "<nil>");
}

// ---- classes --------------------------------------------------------------------------------------------------------

PLAIN_TEST("net: the class of an address follows its first bits") {
  using question = bool (net::ip::*)() const noexcept;
  struct {
    question asks;
    std::vector<std::string_view> yes;
    std::vector<std::string_view> no;
  } const cases[] = {
      {&net::ip::is_unspecified, {"0.0.0.0", "::", "::ffff:0.0.0.0"}, {"127.0.0.1", "0.0.0.1", "::1", "ff01::1", ""}},
      {&net::ip::is_loopback,
       {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"},
       {"128.1.2.3", "126.0.0.1", "ff02::2", "::", "::2", ""}},
      {&net::ip::is_private,
       {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.23.18.255", "172.31.255.255", "192.168.0.0", "192.168.255.255",
        "fc00::", "fcff:1200:44::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.0.0.1"},
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "fbff:ffff::", "fe00::", "127.0.0.1", ""}},
      {&net::ip::is_multicast,
       {"224.0.0.0", "239.0.0.0", "ff02::1", "ff05::", "ff0e::1"},
       {"223.255.255.255", "240.0.0.0", "fe80::", ""}},
      {&net::ip::is_interface_local_multicast,
       {"ff01::1", "ff11::1"},
       {"224.0.0.0", "255.1.0.0", "ff02::1", "fe01::1", ""}},
      {&net::ip::is_link_local_multicast,
       {"224.0.0.0", "224.0.0.255", "ff02::2", "ff12::1"},
       {"224.0.1.0", "239.0.0.0", "255.2.0.0", "ff05::", "ff01::1", ""}},
      {&net::ip::is_link_local_unicast,
       {"169.254.0.0", "169.254.255.255", "fe80::", "febf::1"},
       {"169.255.0.0", "168.254.0.0", "254.128.0.0", "fec0::", "ff02::1", ""}},
      {&net::ip::is_global_unicast,
       {"240.0.0.0", "8.8.8.8", "10.0.0.1", "255.255.255.254", "2001:db8::123:12:1", "fc00::1"},
       {"232.0.0.0", "169.254.0.0", "255.255.255.255", "0.0.0.0", "127.0.0.1", "fe80::", "ff05::", "::", "::1", ""}},
  };
  for (const auto& c : cases) {
    for (const std::string_view text : c.yes) {
      CHECK((address(text).*c.asks)());
    }
    for (const std::string_view text : c.no) {
      CHECK(!(address(text).*c.asks)());
    }
  }
}

PLAIN_TEST("net: well-known addresses are constants") {
  static_assert(net::ipv4_bcast.is_v4() && net::ipv6_loopback.is_v6());
  CHECK(net::ipv4_bcast.text() == "255.255.255.255");
  CHECK(net::ipv4_allsys.text() == "224.0.0.1");
  CHECK(net::ipv4_allrouter.text() == "224.0.0.2");
  CHECK(net::ipv4_zero.text() == "0.0.0.0");
  CHECK(net::ipv6_zero.text() == "::");
  CHECK(net::ipv6_unspecified == net::ipv6_zero);
  CHECK(net::ipv6_loopback.text() == "::1");
  CHECK(net::ipv6_interface_local_all_nodes.text() == "ff01::1");
  CHECK(net::ipv6_link_local_all_nodes.text() == "ff02::1");
  CHECK(net::ipv6_link_local_all_routers.text() == "ff02::2");
  static_assert(net::ip(net::ip::v6_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}) ==
                net::ip(1, 2, 3, 4));
}
