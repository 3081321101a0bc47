#include "http/client/redirect.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "gossamer/errors.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept {
  return std::ranges::find(names, name) != names.end();
}

bool is_secret(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 6> names = {
      "Authorization", "Www-Authenticate", "Cookie", "Cookie2", "Proxy-Authorization", "Proxy-Authenticate"};
  return is_one_of(name, names);
}

bool tells_of_body(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 4> names = {"Content-Encoding", "Content-Language", "Content-Location",
                                                            "Content-Type"};
  return is_one_of(name, names);
}

// Only ASCII: of other letters it is not known here which are the same.
std::string lowered(std::string_view host) {
  std::string to(host);
  std::ranges::transform(to, to.begin(), lower);
  return to;
}

}  // namespace

redirection redirection_of(int status, std::string_view method, bool can_send_again) {
  switch (status) {
    case status_moved_permanently:
    case status_found:
    case status_see_other:
      return {true, false, method == "GET" || method == "HEAD" ? std::string(method) : "GET"};
    case status_temporary_redirect:
    case status_permanent_redirect:
      return {can_send_again, true, std::string(method)};
    default:
      return {};
  }
}

gossamer::error check_redirects(std::size_t sent) {
  constexpr std::size_t max_redirects = 10;
  return sent >= max_redirects ? errors::make("stopped after 10 redirects") : nullptr;
}

bool may_know_secrets(const url& first, const url& next) {
  const std::string known = lowered(first.hostname());
  const std::string host = lowered(next.hostname());
  if (host == known) {
    return true;
  }
  // Of an IPv6 address the zone may end in whatever name its writer likes.
  if (host.find_first_of(":%") != host.npos || host.size() <= known.size() || !host.ends_with(known)) {
    return false;
  }
  return host[host.size() - known.size() - 1] == '.';
}

std::string referer_of(const url& last, const url& next, std::string_view own) {
  // What was asked for in secret is not told in the clear.
  if (last.scheme == "https" && (next.scheme == "http" || next.scheme == "ws")) {
    return {};
  }
  if (!own.empty()) {
    return std::string(own);
  }
  if (!last.user) {
    return last.text();
  }
  url without = last;
  without.user.reset();
  return without.text();
}

carried_fields::carried_fields(const request& first, bool with_jar) : fields_(first.header) {
  if (with_jar) {
    cookies_ = first.cookies();
  }
}

void carried_fields::forget_cookies_of(const response& answer) {
  std::size_t forgotten = 0;
  if (!cookies_.empty()) {
    for (const cookie& set : answer.cookies()) {
      forgotten += std::erase_if(cookies_, [&set](const cookie& c) { return c.name == set.name; });
    }
  }
  if (forgotten == 0) {
    return;
  }
  std::vector<std::string> pairs;
  for (const cookie& c : cookies_) {
    pairs.push_back(c.name + '=' + c.value);
  }
  std::ranges::sort(pairs);
  std::string line;
  for (const std::string& pair : pairs) {
    (line += line.empty() ? "" : "; ") += pair;
  }
  fields_.del("Cookie");
  if (!line.empty()) {
    fields_.set("Cookie", line);
  }
}

void carried_fields::copy_to(http::header& next, bool with_secrets, bool with_body) const {
  for (const http::header::field& f : fields_) {
    if ((with_secrets || !is_secret(f.name)) && (with_body || !tells_of_body(f.name))) {
      next.add(f.name, f.value);
    }
  }
}

}  // namespace gossamer::inline v0::http
