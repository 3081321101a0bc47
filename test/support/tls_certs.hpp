// tls_certs: certificates for tests, made when they are first asked for.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <gossamer/tls.hpp>

#include <memory>
#include <string>

#include "fiber_test.hpp"

namespace support {

// A certificate with its key, in PEM.
struct made_cert {
  std::string cert;
  std::string key;

  gossamer::tls::certificate pair() const {
    auto [c, err] = gossamer::tls::x509_key_pair(cert, key);
    CHECK(err == gossamer::nil);
    return c;
  }
};

struct cert_wish {
  const char* name = "example.com";
  // As OpenSSL's configuration has it; empty: none.
  std::string names = "DNS:example.com";
  const made_cert* issuer = nullptr;  // null: itself
  bool ca = false;
  long first_day = -1;  // from today
  long last_day = 30;
  long more_seconds = 0;
  int rsa_bits = 0;     // 0: an elliptic curve
  std::string usage{};  // extended; empty: none
  std::string key_usage{};
};

namespace tls_certs_detail {

template <class Write>
std::string to_pem(Write write) {
  BIO* const b = BIO_new(BIO_s_mem());
  write(b);
  char* at = nullptr;
  const long n = BIO_get_mem_data(b, &at);
  std::string text(at, static_cast<std::size_t>(n));
  BIO_free(b);
  return text;
}

inline void extend(X509* c, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
  X509_EXTENSION* const e = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  CHECK(e != nullptr);
  X509_add_ext(c, e, -1);
  X509_EXTENSION_free(e);
}

}  // namespace tls_certs_detail

inline made_cert make_cert(const cert_wish& wish) {
  using namespace tls_certs_detail;
  static std::atomic<long> serial = 1;
  EVP_PKEY* const key = wish.rsa_bits != 0 ? EVP_RSA_gen(wish.rsa_bits) : EVP_EC_gen("P-256");
  X509* const c = X509_new();
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
  X509_gmtime_adj(X509_getm_notBefore(c), wish.first_day * 86400);
  X509_gmtime_adj(X509_getm_notAfter(c), wish.last_day * 86400 + wish.more_seconds);
  X509_set_pubkey(c, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.name), -1, -1, 0);
  X509* issuer = c;
  EVP_PKEY* issuer_key = key;
  if (wish.issuer != nullptr) {
    BIO* const from = BIO_new_mem_buf(wish.issuer->cert.data(), static_cast<int>(wish.issuer->cert.size()));
    issuer = PEM_read_bio_X509(from, nullptr, nullptr, nullptr);
    BIO_free(from);
    BIO* const key_from = BIO_new_mem_buf(wish.issuer->key.data(), static_cast<int>(wish.issuer->key.size()));
    issuer_key = PEM_read_bio_PrivateKey(key_from, nullptr, nullptr, nullptr);
    BIO_free(key_from);
  }
  X509_set_issuer_name(c, X509_get_subject_name(issuer));
  if (!wish.names.empty()) {
    extend(c, issuer, NID_subject_alt_name, wish.names);
  }
  extend(c, issuer, NID_basic_constraints, wish.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!wish.usage.empty()) {
    extend(c, issuer, NID_ext_key_usage, wish.usage);
  }
  if (!wish.key_usage.empty()) {
    extend(c, issuer, NID_key_usage, wish.key_usage);
  }
  X509_sign(c, issuer_key, EVP_sha256());
  made_cert made{to_pem([&](BIO* b) { PEM_write_bio_X509(b, c); }),
                 to_pem([&](BIO* b) { PEM_write_bio_PrivateKey(b, key, nullptr, nullptr, 0, nullptr, nullptr); })};
  if (wish.issuer != nullptr) {
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
  }
  X509_free(c);
  EVP_PKEY_free(key);
  return made;
}

// Signs the others.
inline const made_cert& root() {
  static const made_cert made = make_cert({.name = "Test Root", .names = "", .ca = true});
  return made;
}
// For example.com and 127.0.0.1.
inline const made_cert& of_server() {
  static const made_cert made = make_cert({.names = "DNS:example.com,IP:127.0.0.1", .issuer = &root()});
  return made;
}

inline gossamer::tls::cert_pool trusting(const made_cert& root) {
  gossamer::tls::cert_pool pool = gossamer::tls::new_cert_pool();
  CHECK(pool.append_certs_from_pem(root.cert));
  return pool;
}

using config_ptr = std::shared_ptr<gossamer::tls::config>;

inline config_ptr server_config(const made_cert& cert = of_server()) {
  auto c = std::make_shared<gossamer::tls::config>();
  c->certificates = {cert.pair()};
  return c;
}
inline config_ptr client_config(const char* name = "example.com") {
  auto c = std::make_shared<gossamer::tls::config>();
  c->root_cas = trusting(root());
  c->server_name = name;
  return c;
}

// Two ends over a connection below: in memory, or TCP. Hands are not shaken yet.
struct tls_ends {
  gossamer::net::conn client;
  gossamer::net::conn server;

  tls_ends(const gossamer::net::conn& a, const gossamer::net::conn& b, config_ptr of_client = client_config(),
           config_ptr of_server = server_config())
      : client(gossamer::tls::client(a, std::move(of_client))),
        server(gossamer::tls::server(b, std::move(of_server))) {}
  tls_ends(const tls_ends&) = delete;
  tls_ends& operator=(const tls_ends&) = delete;
  ~tls_ends() {
    gossamer::tls::net_conn(client).close();
    gossamer::tls::net_conn(server).close();
  }

  // What each side says to it: client, server.
  std::pair<gossamer::error, gossamer::error> shake() {
    std::pair<gossamer::error, gossamer::error> said;
    crew both;
    both.go([&] { said.second = gossamer::tls::handshake(server); });
    said.first = gossamer::tls::handshake(client);
    both.join();
    return said;
  }
};

}  // namespace support
