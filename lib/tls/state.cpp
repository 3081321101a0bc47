// state: names. See gossamer/tls/state.hpp.
#include "gossamer/tls/state.hpp"

#include <algorithm>
#include <array>

namespace gossamer::inline v0::tls {

namespace {

struct suite {
  std::uint16_t id;
  std::string_view name;
};

constexpr suite suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256"},
    {0x1302, "TLS_AES_256_GCM_SHA384"},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
    {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
    {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
    {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
    {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
};

std::string number_of(std::uint16_t n) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string s = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) {
    s += digits[static_cast<std::size_t>(n >> shift & 15)];
  }
  return s;
}

}  // namespace

std::string version_name(std::uint16_t version) {
  return version >= version_tls10 && version <= version_tls13 ? "TLS 1." + std::to_string(version - version_tls10)
                                                              : number_of(version);
}

std::string cipher_suite_name(std::uint16_t id) {
  const auto* const at = std::ranges::find(suites, id, &suite::id);
  return at != std::end(suites) ? std::string(at->name) : number_of(id);
}

}  // namespace gossamer::inline v0::tls
