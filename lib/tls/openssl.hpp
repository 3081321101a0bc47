// openssl: its objects as values that let go of them, and its errors.
//
// OpenSSL's errors lie in a queue of the thread's: it is emptied before a call whose result is looked at, and read
// right after it, without a park between.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

namespace gossamer::inline v0::tls {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free_all>>;
using bio_method_ptr = std::unique_ptr<BIO_METHOD, freed_by<&BIO_meth_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed_by<&SSL_SESSION_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<&SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<&SSL_free>>;
using store_ptr = std::unique_ptr<X509_STORE, freed_by<&X509_STORE_free>>;
// Without what is in it.
using x509_list_ptr = std::unique_ptr<STACK_OF(X509), freed_by<[](STACK_OF(X509) * s) { sk_X509_free(s); }>>;
using x509_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;

// For PEM in memory, which it refers to.
inline bio_ptr reading_from(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace gossamer::inline v0::tls
