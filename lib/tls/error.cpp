// error: see gossamer/tls/error.hpp.
#include "gossamer/tls/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace gossamer::inline v0::tls {

namespace {

struct alert_text {
  std::uint8_t number;
  std::string_view text;
};

constexpr alert_text alert_texts[] = {
    {0, "close notify"},
    {10, "unexpected message"},
    {20, "bad record MAC"},
    {21, "decryption failed"},
    {22, "record overflow"},
    {30, "decompression failure"},
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "revoked certificate"},
    {45, "expired certificate"},
    {46, "unknown certificate"},
    {47, "illegal parameter"},
    {48, "unknown certificate authority"},
    {49, "access denied"},
    {50, "error decoding message"},
    {51, "error decrypting message"},
    {60, "export restriction"},
    {70, "protocol version not supported"},
    {71, "insufficient security level"},
    {80, "internal error"},
    {86, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {111, "certificate unobtainable"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {114, "bad certificate hash value"},
    {115, "unknown PSK identity"},
    {116, "certificate required"},
    {120, "no application protocol"},
    {121, "encrypted client hello required"},
};

}  // namespace

constinit const errors::sentinel protocol_shutdown{"tls: protocol is shutdown"};
constinit const errors::sentinel without_openssl{"tls: built without OpenSSL"};

std::string alert_error::text() const {
  const auto* const at = std::ranges::find(alert_texts, number_, &alert_text::number);
  return at != std::end(alert_texts) ? "tls: " + std::string(at->text) : "tls: alert(" + std::to_string(number_) + ")";
}

std::string certificate_invalid_error::text() const {
  switch (reason_) {
    case invalid_reason::not_authorized_to_sign:
      return "x509: certificate is not authorized to sign other certificates";
    case invalid_reason::expired:
      return "x509: certificate has expired or is not yet valid: " + detail_;
    case invalid_reason::too_many_intermediates:
      return "x509: too many intermediates for path length constraint";
    case invalid_reason::incompatible_usage:
      return "x509: certificate specifies an incompatible key usage";
  }
  return "x509: unknown error";
}

}  // namespace gossamer::inline v0::tls
