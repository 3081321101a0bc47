// verify: whether a peer's certificates are good.
// Source: Go's x509.Certificate.Verify: the time of the peer's own certificate counts first, then its names, then the
// chain. Differs: the chain is OpenSSL's to find.
#include <openssl/x509v3.h>

#include <cstdint>
#include <ctime>
#include <span>

#include "gossamer/errors.hpp"
#include "gossamer/net/addr.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/host_names.hpp"
#include "tls/session.hpp"

namespace gossamer::inline v0::tls {

namespace {

std::string rfc3339(const std::tm& t) {
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t);
  return text;
}

std::string rfc3339(const ASN1_TIME* when) {
  std::tm t{};
  ASN1_TIME_to_tm(when, &t);
  return rfc3339(t);
}

// Nil if it is valid now.
error check_time(const X509* c) {
  const std::time_t now = std::time(nullptr);
  std::tm t{};
  gmtime_r(&now, &t);
  const ASN1_TIME* const first = X509_get0_notBefore(c);
  const ASN1_TIME* const last = X509_get0_notAfter(c);
  // -1: earlier than now.
  const bool early = X509_cmp_time(first, nullptr) != -1;
  if (!early && X509_cmp_time(last, nullptr) == 1) {
    return nullptr;
  }
  return certificate_invalid_error(
      invalid_reason::expired,
      "current time " + rfc3339(t) + (early ? " is before " + rfc3339(first) : " is after " + rfc3339(last)));
}

// A name as text: what cannot be printed has no place in an error.
std::string printable(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    c = c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

std::string address_of(const ASN1_STRING* s) {
  const std::string_view raw = bytes_of(s);
  net::ip::v6_bytes b{};
  if (raw.size() == 16) {
    std::copy(raw.begin(), raw.end(), b.begin());
    return net::ip(b).text();
  }
  auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(raw[i]); };
  return raw.size() == 4 ? net::ip(at(0), at(1), at(2), at(3)).text() : "?";
}

// The certificate's names of one kind.
std::vector<std::string> names_of(const X509* c, int kind, bool& any) {
  std::vector<std::string> all;
  const names_ptr names = alternative_names(c);
  any = names != nullptr;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); i++) {
    const GENERAL_NAME* const n = sk_GENERAL_NAME_value(names.get(), i);
    if (n->type == kind) {
      all.push_back(kind == GEN_DNS ? printable(bytes_of(n->d.dNSName)) : address_of(n->d.iPAddress));
    }
  }
  return all;
}

error wrong_host(X509* c, const std::string& host, bool address) {
  bool any = false;
  const std::vector<std::string> names = names_of(c, address ? GEN_IPADD : GEN_DNS, any);
  constexpr std::size_t most = 100;
  std::string text = "x509: ";
  if (!any && X509_check_host(c, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1) {
    text += "certificate relies on legacy Common Name field, use SANs instead";
  } else if (address && names.empty()) {
    text += "cannot validate certificate for " + host + " because it doesn't contain any IP SANs";
  } else if (names.empty()) {
    text += "certificate is not valid for any names, but wanted to match " + host;
  } else if (names.size() >= most) {
    text += "certificate is valid for " + std::to_string(names.size()) + (address ? " IP SANs" : " names") +
            ", but none matched " + host;
  } else {
    text += "certificate is valid for ";
    for (const std::string& n : names) {
      text += (&n == names.data() ? "" : ", ") + n;
    }
    text += ", not " + host;
  }
  return hostname_error(host, std::move(text));
}

// Nil if it is for that name or address.
error check_host(X509* c, std::string host) {
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  bool fits = false;
  const auto ip = net::ip::parse(host);
  if (ip) {
    fits = X509_check_ip(c, ip->bytes().data(), ip->is_v4() ? 4 : 16, 0) == 1;
  } else {
    fits = is_for_host(c, host);
  }
  return fits ? error() : wrong_host(c, host, ip.has_value());
}

error of_chain(X509_STORE_CTX* chain) {
  const int code = X509_STORE_CTX_get_error(chain);
  X509* const at = X509_STORE_CTX_get_current_cert(chain);
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      if (error err = at != nullptr ? check_time(at) : error()) {
        return err;
      }
      break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return unknown_authority_error();
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return certificate_invalid_error(invalid_reason::not_authorized_to_sign, "");
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return certificate_invalid_error(invalid_reason::too_many_intermediates, "");
    default:
      break;
  }
  return errors::make("x509: ", X509_verify_cert_error_string(code));
}

// Whether all of the chain may be used so. OpenSSL's own check of it takes `any` for none, and asks of a server's or
// client's key usage what nobody else does.
error check_usage(X509_STORE_CTX* chain, bool of_client) {
  const std::uint32_t wanted = (of_client ? XKU_SSL_CLIENT : XKU_SSL_SERVER) | XKU_ANYEKU;
  STACK_OF(X509)* const all = X509_STORE_CTX_get0_chain(chain);
  for (int i = 0; i < sk_X509_num(all); i++) {
    // All bits are set where it says nothing.
    if ((X509_get_extended_key_usage(sk_X509_value(all, i)) & wanted) == 0) {
      return certificate_invalid_error(invalid_reason::incompatible_usage, "");
    }
  }
  return nullptr;
}

// The alert that goes with it, by way of OpenSSL's numbers. As in Go: a client says `bad certificate` whatever it is, a
// server tells three cases apart.
int code_of(const error& err, bool of_client) {
  if (of_client && errors::as<unknown_authority_error>(err) != nullptr) {
    return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
  }
  const auto* const invalid = errors::as<certificate_invalid_error>(err);
  return of_client && invalid != nullptr && invalid->reason() == invalid_reason::expired ? X509_V_ERR_CERT_HAS_EXPIRED
                                                                                         : X509_V_ERR_CERT_REJECTED;
}

}  // namespace

error verify_chain(X509_STORE_CTX* chain, const std::string& name) {
  X509* const own = X509_STORE_CTX_get0_cert(chain);
  error err = own != nullptr ? check_time(own) : errors::make("x509: missing certificate");
  if (!err && !name.empty()) {
    err = check_host(own, name);
  }
  if (!err) {
    X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(chain), X509_PURPOSE_ANY);
    err = X509_verify_cert(chain) == 1 ? check_usage(chain, name.empty()) : of_chain(chain);
  }
  if (err) {
    X509_STORE_CTX_set_error(chain, code_of(err, name.empty()));
  }
  return err;
}

}  // namespace gossamer::inline v0::tls
