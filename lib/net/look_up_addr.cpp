// look_up_addr: from an address to its name. See gossamer/net/resolve.hpp.
// Source: Go's Resolver.LookupAddr, as it is over the C library.
#include <netdb.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>

#include "gossamer/net/resolve.hpp"
#include "net/inquiry.hpp"
#include "net/sockaddr.hpp"

namespace gossamer::inline v0::net {

namespace {

constinit const errors::sentinel invalid_address{"invalid address"};
constinit const errors::sentinel invalid_names{"DNS response contained records which contain invalid names"};

struct named {
  std::string name;
  refusal why;
};

// One call of getnameinfo.
class reverse_look_up final : public inquiry<named> {
 public:
  explicit reverse_look_up(const ip& host) {
    [[maybe_unused]] const bool fits = to_native(tcp_addr{host, 0}, host.is_v4() ? AF_INET : AF_INET6, address_);
    assert(fits);
  }

 private:
  named answer() const override {
    char name[NI_MAXHOST] = {};
    named n;
    n.why.problem = ::getnameinfo(address_.data(), address_.size, name, sizeof name, nullptr, 0, NI_NAMEREQD);
    n.why.code = errno;
    n.name = name;
    return n;
  }

  native_addr address_;
};

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Between two dots: 1 to 63 characters, no hyphen at its ends.
bool is_label(std::string_view s) noexcept {
  return !s.empty() && s.size() <= 63 && s.front() != '-' && s.back() != '-' &&
         std::all_of(s.begin(), s.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// Source: RFC 1035, 3696, and Go's isDomainName: not digits alone, and `_` is a letter.
bool is_domain_name(std::string_view s) noexcept {
  if (s == ".") {
    return true;
  }
  if (s.ends_with('.')) {
    s.remove_suffix(1);
  }
  if (s.size() > 253 || std::none_of(s.begin(), s.end(), [](char c) { return is_letter(c) || c == '-'; })) {
    return false;
  }
  for (;;) {
    const auto dot = s.find('.');
    if (!is_label(s.substr(0, dot))) {
      return false;
    }
    if (dot == s.npos) {
      return true;
    }
    s.remove_prefix(dot + 1);
  }
}

std::string absolute(std::string name) {
  if (name.find('.') != name.npos && !name.ends_with('.')) {
    name += '.';
  }
  return name;
}

}  // namespace

std::pair<std::vector<std::string>, error> lookup_addr(std::string_view address, const ending& end,
                                                       std::source_location where) {
  const auto host = ip::parse(address);
  std::string asked_for(address);
  if (!host) {
    return {{}, dns_error(std::move(asked_for), invalid_address, false, false)};
  }
  const limits l{end, detail::no_deadline, where};
  named n;
  const detail::reference<reverse_look_up> asked(new reverse_look_up(*host));
  trouble t = over_already(l);
  if (!t) {
    t = asked->await(l, n);
  }
  if (t) {
    return {{}, dns_error(std::move(asked_for), t.err(end), false, true)};
  }
  if (n.why.problem != 0) {
    return {{}, dns_failure("getnameinfo", std::move(asked_for), n.why, no_such_host)};
  }
  std::string name = absolute(std::move(n.name));
  if (!is_domain_name(name)) {
    return {{}, dns_error(std::move(asked_for), invalid_names, false, false)};
  }
  return {{std::move(name)}, nullptr};
}

}  // namespace gossamer::inline v0::net
