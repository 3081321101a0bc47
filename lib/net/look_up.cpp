// look_up: see look_up.hpp and gossamer/net/dial.hpp.
#include "net/look_up.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "gossamer/net/dial.hpp"
#include "net/inquiry.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

constinit const errors::sentinel unknown_port{"unknown port"};

struct found {
  std::vector<ip> hosts;
  int port = 0;
  refusal why;
};

// One call of getaddrinfo.
class look_up final : public inquiry<found> {
 public:
  look_up(std::string host, std::string service, int type) noexcept
      : host_(std::move(host)), service_(std::move(service)), type_(type) {}

 private:
  found answer() const override {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = type_;
    addrinfo* list = nullptr;
    found f;
    f.why.problem = ::getaddrinfo(host_.empty() ? nullptr : host_.c_str(),
                                  service_.empty() ? nullptr : service_.c_str(), &hints, &list);
    f.why.code = errno;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> frees(f.why.problem == 0 ? list : nullptr,
                                                                     &::freeaddrinfo);
    for (const addrinfo* a = frees.get(); a != nullptr; a = a->ai_next) {
      native_addr native;
      native.size = std::min<socklen_t>(a->ai_addrlen, sizeof native.bytes);
      std::memcpy(&native.bytes, a->ai_addr, native.size);
      const addr at = from_native(native, *find_network("tcp"));
      f.port = at.port();
      if (at.ip() && std::find(f.hosts.begin(), f.hosts.end(), at.ip()) == f.hosts.end()) {
        f.hosts.push_back(at.ip());
      }
    }
    return f;
  }

  const std::string host_;
  const std::string service_;
  const int type_;
};

struct service {
  std::string_view network;
  std::string_view name;
  int port;
};
// Known without the system's list, which small systems do not have. Source: Go's net/lookup.go.
constexpr service well_known[] = {
    {"udp", "domain", 53}, {"tcp", "domain", 53}, {"tcp", "echo", 7},    {"tcp", "ftp", 21},
    {"tcp", "ftps", 990},  {"tcp", "gopher", 70}, {"tcp", "http", 80},   {"tcp", "https", 443},
    {"tcp", "imap2", 143}, {"tcp", "imap3", 220}, {"tcp", "imaps", 993}, {"tcp", "pop3", 110},
    {"tcp", "pop3s", 995}, {"tcp", "smtp", 25},   {"tcp", "telnet", 23}, {"tcp", "submissions", 465},
    {"tcp", "ssh", 22},
};

// A number, wherever it lies; empty for a name. No digits at all are port 0.
std::optional<int> port_number(std::string_view text) noexcept {
  if (text.empty()) {
    return 0;
  }
  int n = 0;
  const char* const begin = text.data() + (text[0] == '+' && text.size() > 1 && text[1] != '-' ? 1 : 0);
  const auto [end, problem] = std::from_chars(begin, text.data() + text.size(), n);
  if (end != text.data() + text.size() || begin == end) {
    return std::nullopt;
  }
  return problem == std::errc() ? n : std::numeric_limits<int>::max();
}

// Whether getaddrinfo() may take it for an address, though ip::parse() does not: octal, hexadecimal, fewer than four
// numbers, something behind it. Programs disagree on which one, so a filter that parses would be passed by.
bool looks_like_address(const std::string& name) noexcept {
  in_addr unused;
  return name.find_first_of(":%") != name.npos || name.find_first_not_of("0123456789.") == name.npos ||
         ::inet_aton(name.c_str(), &unused) != 0;
}

std::pair<std::vector<ip>, error> hosts_of(std::string_view host, const limits& l) {
  if (const auto numeric = ip::parse(host)) {
    return {{*numeric}, nullptr};
  }
  std::string name(host);
  if (name.find('\0') != name.npos || looks_like_address(name)) {
    return {{}, dns_error(std::move(name), no_such_host, true, false)};
  }
  if (const trouble t = over_already(l)) {
    return {{}, dns_error(std::move(name), t.err(l.end), false, true)};
  }
  if (name == "localhost" || name == "localhost.") {
    return {{ip(127, 0, 0, 1), *ip::parse("::1")}, nullptr};
  }
  found f;
  const detail::reference<look_up> asked(new look_up(name, {}, SOCK_STREAM));
  if (const trouble t = asked->await(l, f)) {
    return {{}, dns_error(std::move(name), t.err(l.end), false, true)};
  }
  if (f.hosts.empty()) {
    return {{}, dns_failure("getaddrinfo", std::move(name), f.why, no_such_host)};
  }
  return {std::move(f.hosts), nullptr};
}

std::pair<int, error> port_of(const network& net, std::string_view text, const limits& l) {
  std::optional<int> port = port_number(text);
  if (!port) {
    const std::string_view protocol = net.of == network::kind::udp ? "udp" : "tcp";
    const auto* const known = std::find_if(std::begin(well_known), std::end(well_known),
                                           [&](const service& s) { return s.network == protocol && s.name == text; });
    if (known != std::end(well_known)) {
      return {known->port, nullptr};
    }
    std::string name = std::string(net.name) + "/" + std::string(text);
    if (text.find('\0') != text.npos) {
      return {0, dns_error(std::move(name), unknown_port, true, false)};
    }
    found f;
    const detail::reference<look_up> asked(new look_up({}, std::string(text), net.type));
    if (const trouble t = asked->await(l, f)) {
      return {0, dns_error(std::move(name), t.err(l.end), false, true)};
    }
    if (f.why.problem != 0) {
      return {0, dns_failure("getaddrinfo", std::move(name), f.why, unknown_port)};
    }
    port = f.port;
  }
  if (*port < 0 || *port > 65'535) {
    return {0, addr_error("invalid port", std::string(text))};
  }
  return {*port, nullptr};
}

}  // namespace

std::pair<std::vector<addr>, error> addresses_of(const network& net, std::string_view address, const limits& l) {
  assert(!net.is_unix());
  if (address.empty()) {
    return {{net.at(ip(), 0)}, nullptr};
  }
  const auto [host, service, problem] = split_host_port(address);
  if (problem) {
    return {{}, problem};
  }
  const auto [port, no_port] = port_of(net, service, l);
  if (no_port) {
    return {{}, no_port};
  }
  assert(port >= 0 && port <= 65'535);
  const auto at = [&, p = static_cast<std::uint16_t>(port)](const ip& h) { return net.at(h, p); };
  if (host.empty()) {
    return {{at(ip())}, nullptr};
  }
  auto [hosts, no_host] = hosts_of(host, l);
  if (no_host) {
    return {{}, std::move(no_host)};
  }
  if (hosts.size() == 1 && hosts[0].is_v6() && hosts[0].is_unspecified()) {
    hosts.emplace_back(0, 0, 0, 0);  // what a listener on every address calls itself is good for IPv4 too
  }
  std::vector<addr> all;
  for (const ip& h : hosts) {
    if (net.version == 0 || (net.version == 4 ? h.is_v4() : h.is_v6())) {
      all.push_back(at(h));
    }
  }
  if (all.empty()) {
    return {{}, addr_error("no suitable address found", host)};
  }
  return {std::move(all), nullptr};
}

std::pair<std::vector<addr>, error> resolve(const network& net, std::string_view address, const char* op,
                                            const limits& l) {
  if (net.is_unix()) {
    if (address.empty() && std::string_view(op) == "dial") {
      return {{}, op_error(op, std::string(net.name), nullptr, nullptr, addr_error("missing address", ""))};
    }
    return {{unix_addr{std::string(address), std::string(net.name)}}, nullptr};
  }
  auto [all, err] = address.empty() && std::string_view(op) == "dial"
                        ? std::pair(std::vector<addr>(), error(addr_error("missing address", "")))
                        : addresses_of(net, address, l);
  if (err) {
    return {{}, op_error(op, std::string(net.name), nullptr, nullptr, std::move(err))};
  }
  assert(!all.empty());
  return {std::move(all), nullptr};
}

std::pair<std::vector<ip>, error> lookup_ip(std::string_view host, const ending& end, std::source_location where) {
  return hosts_of(host, {end, detail::no_deadline, where});
}

std::pair<std::vector<std::string>, error> lookup_host(std::string_view host, const ending& end,
                                                       std::source_location where) {
  if (ip::parse(host)) {
    return {{std::string(host)}, nullptr};
  }
  auto [hosts, err] = lookup_ip(host, end, where);
  std::vector<std::string> texts;
  std::transform(hosts.begin(), hosts.end(), std::back_inserter(texts), [](const ip& h) { return h.text(); });
  return {std::move(texts), std::move(err)};
}

std::pair<int, error> lookup_port(std::string_view name, std::string_view service, const ending& end,
                                  std::source_location where) {
  static constexpr network any{"ip", network::kind::tcp, 0, 0};
  // A number is the same in all of them.
  const network* const net = name.empty() || name == any.name || port_number(service) ? &any : find_network(name);
  if (net == nullptr || net->is_unix()) {
    return {0, addr_error("unknown network", std::string(name))};
  }
  return port_of(*net, service, {end, detail::no_deadline, where});
}

}  // namespace gossamer::inline v0::net
