// tls/certificate: certificates with their keys, and those that are trusted.
// Source: Go's tls.Certificate, LoadX509KeyPair, X509KeyPair; x509.CertPool. Differs: handles; keys are what OpenSSL
// reads from PEM.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::tls {

struct certificate_data;  // lib/tls
struct cert_pool_data;    // lib/tls

// A certificate, those between it and a root, and its private key; or none. A handle of something constant.
class GOSSAMER_API certificate {
 public:
  certificate() noexcept = default;
  explicit certificate(std::shared_ptr<const certificate_data> data) noexcept : data_(std::move(data)) {}
  explicit operator bool() const noexcept { return data_ != nullptr; }
  // For the library.
  const certificate_data* data() const noexcept { return data_.get(); }

 private:
  std::shared_ptr<const certificate_data> data_;
};

// From two files of PEM, which may be the same: certificates, the own one first, and the key. Reads them in blocking
// calls. Errors: those of os::read_file(), and those of x509_key_pair().
[[nodiscard]] GOSSAMER_API std::pair<certificate, error> load_x509_key_pair(std::string_view cert_file,
                                                                            std::string_view key_file);
// The same from memory. Errors: `tls: failed to find any PEM data in certificate input` (or `key input`), `tls: private
// key does not match public key`, `tls: failed to parse private key`; an encrypted key is none that is read.
[[nodiscard]] GOSSAMER_API std::pair<certificate, error> x509_key_pair(std::string_view cert_pem,
                                                                       std::string_view key_pem);

// Certificates that are trusted to sign others. A handle; nil stands for what the place where it is used says. It may
// be added to until the first connection uses it; from any fiber or thread.
class GOSSAMER_API cert_pool {
 public:
  cert_pool() noexcept = default;
  explicit cert_pool(std::shared_ptr<cert_pool_data> data) noexcept : data_(std::move(data)) {}

  // Adds all that are in it; whether there was one. Parts that are no certificates are passed over. False for a nil
  // pool.
  bool append_certs_from_pem(std::string_view pem) const;
  explicit operator bool() const noexcept { return data_ != nullptr; }
  // For the library.
  const std::shared_ptr<cert_pool_data>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<cert_pool_data> data_;
};

// An empty one.
[[nodiscard]] GOSSAMER_API cert_pool new_cert_pool();
// A copy of those that the system trusts: of the file that SSL_CERT_FILE names, or the one where the system has it.
// Read once, in a blocking call. Error: `x509: failed to load system roots and no roots provided`.
[[nodiscard]] GOSSAMER_API std::pair<cert_pool, error> system_cert_pool();

}  // namespace gossamer::inline v0::tls
