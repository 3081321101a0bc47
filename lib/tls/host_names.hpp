// host_names: for which hosts a certificate is.
#pragma once

#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<&GENERAL_NAMES_free>>;

inline names_ptr alternative_names(const X509* c) {
  return names_ptr(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c, NID_subject_alt_name, nullptr, nullptr)));
}
inline std::string_view bytes_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

// Whether one of its names of hosts (subject alternative names, not the common name) is `host`, which is no address. A
// star stands for the whole first label. Source: Go's x509.Certificate.VerifyHostname.
bool is_for_host(const X509* c, std::string_view host) noexcept;

}  // namespace gossamer::inline v0::tls
