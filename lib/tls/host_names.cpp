#include "tls/host_names.hpp"

#include <algorithm>

namespace gossamer::inline v0::tls {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool is_label(std::string_view label) noexcept {
  return !label.empty() && label.front() != '-' && std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// Labels with dots between them; of a pattern the first may be a star, but not the only one.
bool is_host_name(std::string_view name, bool is_pattern) noexcept {
  if (is_pattern && name.starts_with("*.")) {
    name.remove_prefix(2);
  }
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) {
      return false;
    }
    if (dot == name.npos) {
      return true;
    }
    name.remove_prefix(dot + 1);
  }
}

bool fits(std::string_view pattern, std::string_view host) noexcept {
  if (!pattern.starts_with("*.") || !is_host_name(host, false) || !is_host_name(pattern, true)) {
    return is_same(pattern, host);
  }
  const std::size_t dot = host.find('.');
  return dot != host.npos && is_same(pattern.substr(1), host.substr(dot));
}

}  // namespace

bool is_for_host(const X509* c, std::string_view host) noexcept {
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.empty()) {
    return false;
  }
  const names_ptr names = alternative_names(c);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); i++) {
    const GENERAL_NAME* const n = sk_GENERAL_NAME_value(names.get(), i);
    if (n->type == GEN_DNS && fits(bytes_of(n->d.dNSName), host)) {
      return true;
    }
  }
  return false;
}

}  // namespace gossamer::inline v0::tls
