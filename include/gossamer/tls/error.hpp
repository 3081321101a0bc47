// tls/error: what goes wrong with encrypted connections and with certificates.
// Source: Go's tls.AlertError, RecordHeaderError, CertificateVerificationError; x509.UnknownAuthorityError,
// HostnameError, CertificateInvalidError.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../net/conn.hpp"

namespace gossamer::inline v0::tls {

// A write after close_write().
GOSSAMER_API extern const errors::sentinel protocol_shutdown;  // tls: protocol is shutdown
// The library has no TLS.
GOSSAMER_API extern const errors::sentinel without_openssl;  // tls: built without OpenSSL

// What one side says to the other before it gives up: `tls: bad certificate`. In a net::op_error whose op() says who
// has said so: `remote error: tls: bad certificate`, `local error: tls: bad record MAC`.
class GOSSAMER_API alert_error final : public errors::base {
 public:
  explicit alert_error(std::uint8_t number) noexcept : number_(number) {}
  // RFC 8446, section 6.
  std::uint8_t number() const noexcept { return number_; }
  std::string text() const override;

 private:
  std::uint8_t number_;
};

// The peer speaks something else: `tls: first record does not look like a TLS handshake`.
class GOSSAMER_API record_header_error final : public errors::base {
 public:
  using bytes = std::array<std::uint8_t, 5>;

  record_header_error(const bytes& header, net::conn below) noexcept : header_(header), conn_(std::move(below)) {}
  // The first that it has sent.
  const bytes& record_header() const noexcept { return header_; }
  // The connection below, on which nothing has been written yet, so that the peer may be told; in a client nil.
  const net::conn& conn() const noexcept { return conn_; }
  std::string text() const override { return "tls: first record does not look like a TLS handshake"; }

 private:
  bytes header_;
  net::conn conn_;
};

// The peer's certificate is refused: `tls: failed to verify certificate: x509: certificate signed by unknown
// authority`. It wraps one of those below.
class GOSSAMER_API certificate_verification_error final : public errors::base {
 public:
  explicit certificate_verification_error(error err) noexcept : err_(std::move(err)) {}
  std::string text() const override { return "tls: failed to verify certificate: " + err_.text(); }
  error unwrap() const override { return err_; }

 private:
  error err_;
};

// No chain of signatures leads to a certificate that is trusted.
class GOSSAMER_API unknown_authority_error final : public errors::base {
 public:
  std::string text() const override { return "x509: certificate signed by unknown authority"; }
};

// The certificate is another's: `x509: certificate is valid for example.com, not example.org`.
class GOSSAMER_API hostname_error final : public errors::base {
 public:
  hostname_error(std::string host, std::string text) : host_(std::move(host)), text_(std::move(text)) {}
  // Whom it should have been for.
  const std::string& host() const noexcept { return host_; }
  std::string text() const override { return text_; }

 private:
  std::string host_;
  std::string text_;
};

// Why a certificate is not good for what it is used for.
enum class invalid_reason : std::uint8_t {
  not_authorized_to_sign,
  expired,
  too_many_intermediates,
  incompatible_usage
};

// `x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after 2025-01-02T03:04:05Z`.
class GOSSAMER_API certificate_invalid_error final : public errors::base {
 public:
  certificate_invalid_error(invalid_reason reason, std::string detail) : reason_(reason), detail_(std::move(detail)) {}
  invalid_reason reason() const noexcept { return reason_; }
  std::string text() const override;

 private:
  invalid_reason reason_;
  std::string detail_;
};

}  // namespace gossamer::inline v0::tls
