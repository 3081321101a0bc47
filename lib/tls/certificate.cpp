// certificate: reads PEM. See gossamer/tls/certificate.hpp.
#include "tls/certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>

#include "gossamer/errors.hpp"
#include "gossamer/os/file.hpp"

namespace gossamer::inline v0::tls {

namespace {

// Nobody is asked for one: an encrypted key is refused.
int no_password(char*, int, int, void*) { return -1; }

// All certificates in it. What is something else, a key, is passed over.
std::vector<x509_ptr> certificates_in(std::string_view pem) {
  std::vector<x509_ptr> all;
  const bio_ptr from = reading_from(pem);
  while (X509* const c = from ? PEM_read_bio_X509(from.get(), nullptr, no_password, nullptr) : nullptr) {
    all.emplace_back(c);
  }
  ERR_clear_error();
  return all;
}

}  // namespace

std::pair<certificate, error> x509_key_pair(std::string_view cert_pem, std::string_view key_pem) {
  auto data = std::make_shared<certificate_data>();
  std::vector<x509_ptr> all = certificates_in(cert_pem);
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

bool certificate_data::is_for(const std::string& name) const noexcept {
  return X509_check_host(own.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

// ---- pools ----------------------------------------------------------------------------------------------------------

cert_pool new_cert_pool() { return cert_pool(std::make_shared<cert_pool_data>()); }

bool cert_pool::append_certs_from_pem(std::string_view pem) const {
  std::vector<x509_ptr> more = certificates_in(pem);
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
