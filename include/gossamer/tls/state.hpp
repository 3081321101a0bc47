// tls/state: what two sides have agreed on.
// Source: Go's tls.ConnectionState, VersionName, CipherSuiteName.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../detail/config.hpp"

namespace gossamer::inline v0::tls {

inline constexpr std::uint16_t version_tls10 = 0x0301;
inline constexpr std::uint16_t version_tls11 = 0x0302;
inline constexpr std::uint16_t version_tls12 = 0x0303;
inline constexpr std::uint16_t version_tls13 = 0x0304;

// `TLS 1.3`; of one that is not known `0x0500`.
[[nodiscard]] GOSSAMER_API std::string version_name(std::uint16_t version);
// `TLS_AES_128_GCM_SHA256`; of one that is not known `0x1234`.
[[nodiscard]] GOSSAMER_API std::string cipher_suite_name(std::uint16_t id);

// A certificate that the peer has shown.
struct peer_certificate {
  std::string raw;      // DER
  std::string subject;  // `CN=example.com,O=Example` (RFC 2253)
  std::string issuer;
};

// Complete once hands have been shaken; before that all of it is empty.
class GOSSAMER_API connection_state {
 public:
  std::uint16_t version = 0;
  bool handshake_complete = false;
  // Of an earlier session: without certificates being shown anew.
  bool did_resume = false;
  std::uint16_t cipher_suite = 0;
  // Of next_protos; empty where none was agreed on.
  std::string negotiated_protocol;
  // Which name the client has asked for.
  std::string server_name;
  // The peer's own one first.
  std::vector<peer_certificate> peer_certificates;
};

}  // namespace gossamer::inline v0::tls
