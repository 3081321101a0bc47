// certificate: reads PEM. See gossamer/tls/certificate.hpp.
#include "tls/certificate.hpp"

#include <openssl/pem.h>

#include <string>

#include "gossamer/errors.hpp"
#include "gossamer/os/file.hpp"

namespace gossamer::inline v0::tls {

namespace {

// Nobody is asked for one: an encrypted key is refused.
int no_password(char*, int, int, void*) { return -1; }

// What is something else than a certificate, a key, is passed over.
struct certificates {
  std::vector<x509_ptr> all;
  bool any_malformed = false;
};

certificates certificates_in(std::string_view pem) {
  certificates found;
  const bio_ptr from = reading_from(pem);
  while (from) {
    ERR_clear_error();
    if (X509* const c = PEM_read_bio_X509(from.get(), nullptr, no_password, nullptr)) {
      found.all.emplace_back(c);
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
      break;
    } else {
      found.any_malformed = true;
    }
  }
  ERR_clear_error();
  return found;
}

}  // namespace

std::pair<certificate, error> x509_key_pair(std::string_view cert_pem, std::string_view key_pem) {
  auto data = std::make_shared<certificate_data>();
  auto [all, any_malformed] = certificates_in(cert_pem);
  if (any_malformed) {
    return {certificate(), errors::make("x509: malformed certificate")};
  }
  if (all.empty()) {
    return {certificate(), errors::make("tls: failed to find any PEM data in certificate input")};
  }
  data->own = std::move(all.front());
  data->between.assign(std::make_move_iterator(all.begin() + 1), std::make_move_iterator(all.end()));
  if (key_pem.find("-----BEGIN") == key_pem.npos) {
    return {certificate(), errors::make("tls: failed to find any PEM data in key input")};
  }
  const bio_ptr from = reading_from(key_pem);
  data->key.reset(from ? PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr) : nullptr);
  const bool matches = data->key && X509_check_private_key(data->own.get(), data->key.get()) == 1;
  ERR_clear_error();
  if (!data->key) {
    return {certificate(), errors::make("tls: failed to parse private key")};
  }
  if (!matches) {
    return {certificate(), errors::make("tls: private key does not match public key")};
  }
  return {certificate(std::move(data)), nullptr};
}

std::pair<certificate, error> load_x509_key_pair(std::string_view cert_file, std::string_view key_file) {
  const auto [cert, cert_err] = os::read_file(cert_file);
  if (cert_err) {
    return {certificate(), cert_err};
  }
  const auto [key, key_err] = os::read_file(key_file);
  if (key_err) {
    return {certificate(), key_err};
  }
  return x509_key_pair(cert, key);
}

// ---- pools ----------------------------------------------------------------------------------------------------------

cert_pool new_cert_pool() { return cert_pool(std::make_shared<cert_pool_data>()); }

bool cert_pool::append_certs_from_pem(std::string_view pem) const {
  std::vector<x509_ptr> more = certificates_in(pem).all;
  if (!data_ || more.empty()) {
    return false;
  }
  const std::scoped_lock hold(data_->guard);
  for (x509_ptr& c : more) {
    data_->all.push_back(std::move(c));
  }
  data_->store.reset();
  return true;
}

store_ptr cert_pool_data::share() {
  const std::scoped_lock hold(guard);
  if (!store) {
    store_ptr made(X509_STORE_new());
    for (const x509_ptr& c : all) {
      if (made && X509_STORE_add_cert(made.get(), c.get()) != 1) {
        made.reset();
      }
    }
    if (made) {
      // A certificate that is in the pool need not be signed by itself to be trusted.
      X509_STORE_set_flags(made.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    }
    ERR_clear_error();
    store = std::move(made);
  }
  if (store) {
    X509_STORE_up_ref(store.get());
  }
  return store_ptr(store.get());
}

}  // namespace gossamer::inline v0::tls
