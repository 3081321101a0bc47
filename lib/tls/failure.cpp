// failure: see failure.hpp.
#include "tls/failure.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "gossamer/errors.hpp"
#include "gossamer/net/error.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

namespace {

error alert_by(const char* whom, int number) {
  return net::op_error(whom, "", nullptr, nullptr, alert_error(static_cast<std::uint8_t>(number)));
}

struct told {
  int reason;
  int alert;
};

// For which Go's side says no more than the alert that it sends.
constexpr told as_alerts[] = {
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_AD_BAD_RECORD_MAC},
    {SSL_R_DECRYPTION_FAILED, SSL_AD_BAD_RECORD_MAC},
    {SSL_R_BLOCK_CIPHER_PAD_IS_WRONG, SSL_AD_BAD_RECORD_MAC},
    {SSL_R_UNEXPECTED_MESSAGE, SSL_AD_UNEXPECTED_MESSAGE},
    {SSL_R_UNEXPECTED_RECORD, SSL_AD_UNEXPECTED_MESSAGE},
    {SSL_R_BAD_RECORD_TYPE, SSL_AD_UNEXPECTED_MESSAGE},
    {SSL_R_DATA_LENGTH_TOO_LONG, SSL_AD_RECORD_OVERFLOW},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_AD_RECORD_OVERFLOW},
    {SSL_R_PACKET_LENGTH_TOO_LONG, SSL_AD_RECORD_OVERFLOW},
    {SSL_R_LENGTH_MISMATCH, SSL_AD_DECODE_ERROR},
    {SSL_R_BAD_SIGNATURE, SSL_AD_DECRYPT_ERROR},
    {SSL_R_BAD_PACKET, SSL_AD_DECODE_ERROR},
};

}  // namespace

std::string error_text(unsigned long code) {
  const char* const text = ERR_reason_error_string(code);
  return text != nullptr ? text : "handshake failure";
}

error failure_of(unsigned long code, bool server) {
  const int reason = ERR_GET_REASON(code);
  if (code == 0 || ERR_GET_LIB(code) != ERR_LIB_SSL) {
    return errors::make("tls: ", error_text(code));
  }
  if (reason > SSL_AD_REASON_OFFSET) {
    return alert_by("remote error", reason - SSL_AD_REASON_OFFSET);
  }
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return server ? errors::make("tls: client offered only unsupported versions")
                    : errors::make("tls: server selected unsupported protocol version");
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return errors::make("tls: no supported versions satisfy MinVersion and MaxVersion");
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return errors::make("tls: no cipher suite supported by both client and server");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return errors::make("tls: client didn't provide a certificate");
    case SSL_R_NO_RENEGOTIATION:
      return alert_by("local error", SSL_AD_NO_RENEGOTIATION);
    default:
      break;
  }
  const auto* const at = std::ranges::find(as_alerts, reason, &told::reason);
  return at != std::end(as_alerts) ? alert_by("local error", at->alert) : errors::make("tls: ", error_text(code));
}

}  // namespace gossamer::inline v0::tls
