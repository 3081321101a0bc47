// callbacks: what OpenSSL calls while a session takes a step. Nothing parks here, and nothing is thrown through
// OpenSSL.
#include <algorithm>
#include <cstring>
#include <exception>

#include "gossamer/errors.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/session.hpp"
#include "tls/session_cache.hpp"

namespace gossamer::inline v0::tls {

namespace {

// False if f throws: there was no memory.
template <class F>
bool succeeds(F f) noexcept {
  try {
    f();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

// ---- bytes ----------------------------------------------------------------------------------------------------------

BIO_METHOD* callbacks::transport() {
  static const bio_method_ptr method = [] {
    bio_method_ptr m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gossamer"));
    BIO_meth_set_read_ex(m.get(), read);
    BIO_meth_set_write_ex(m.get(), write);
    BIO_meth_set_ctrl(m.get(), control);
    return m;
  }();
  return method.get();
}

int callbacks::read(BIO* b, char* to, std::size_t most, std::size_t* n) noexcept {
  auto& s = *static_cast<session*>(BIO_get_data(b));
  BIO_clear_retry_flags(b);
  *n = std::min(most, s.input_.size());
  if (*n == 0) {
    BIO_set_retry_read(b);
    return 0;
  }
  std::memcpy(to, s.input_.data(), *n);
  s.input_ = s.input_.subspan(*n);
  return 1;
}

int callbacks::write(BIO* b, const char* from, std::size_t bytes, std::size_t* n) noexcept {
  auto& s = *static_cast<session*>(BIO_get_data(b));
  BIO_clear_retry_flags(b);
  const auto* const first = reinterpret_cast<const std::byte*>(from);
  *n = succeeds([&] { s.output_.insert(s.output_.end(), first, first + bytes); }) ? bytes : 0;
  return *n == bytes ? 1 : 0;
}

long callbacks::control(BIO*, int what, long, void*) noexcept { return what == BIO_CTRL_FLUSH ? 1 : 0; }

// ---- choices --------------------------------------------------------------------------------------------------------

int callbacks::choose_certificate(SSL* ssl, void*) noexcept {
  const session& s = *of(ssl);
  return s.refusal_ ? 0 : s.chosen_ ? 1 : -1;
}

int callbacks::show_certificate(SSL* ssl, void*) noexcept {
  return succeeds([&] { of(ssl)->show_own(); }) ? 1 : 0;
}

// Nobody looks at the certificates of a client that resumes: they must still be good.
SSL_TICKET_RETURN callbacks::take_ticket(SSL*, SSL_SESSION* s, const unsigned char*, std::size_t,
                                         SSL_TICKET_STATUS status, void*) noexcept {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  const X509* const shown = SSL_SESSION_get0_peer(s);
  // 1: later than now.
  if (shown != nullptr && X509_cmp_time(X509_get0_notAfter(shown), nullptr) != 1) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

int callbacks::choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_bytes, const unsigned char* in,
                               unsigned in_bytes, void*) noexcept {
  session& s = *of(ssl);
  const std::vector<std::string>& ours = s.config_->next_protos;
  if (ours.empty()) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const std::string_view theirs(reinterpret_cast<const char*>(in), in_bytes);
  auto find = [&](std::string_view wanted) {
    for (std::size_t at = 0; at < theirs.size(); at += 1 + in[at]) {
      if (theirs.substr(at + 1, in[at]) == wanted) {
        *out = in + at + 1;
        *out_bytes = in[at];
        return true;
      }
    }
    return false;
  };
  if (std::ranges::any_of(ours, find)) {
    return SSL_TLSEXT_ERR_OK;
  }
  // As in Go: who speaks h2 is understood by those who know only HTTP/1.1.
  if (std::ranges::find(ours, "h2") != ours.end() && find("http/1.1")) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  succeeds([&] {
    s.offered_ = "[";
    for (std::size_t at = 0; at < theirs.size(); at += 1 + in[at]) {
      s.offered_ += s.offered_.size() > 1 ? " \"" : "\"";
      for (const char c : theirs.substr(at + 1, in[at])) {
        s.offered_ += c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
      }
      s.offered_ += '"';
    }
    s.offered_ += "]";
  });
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int callbacks::verify(X509_STORE_CTX* chain, void*) noexcept {
  const auto* const ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  session& s = *of(ssl);
  const bool asked = s.server_ ? s.config_->client_auth >= client_auth_type::verify_client_cert_if_given
                               : !s.config_->insecure_skip_verify;
  if (!asked) {
    return 1;
  }
  error err;
  const bool looked = succeeds([&] { err = verify_chain(chain, s.server_ ? std::string() : s.name_); });
  if (looked && !err) {
    return 1;
  }
  succeeds([&] {
    s.refusal_ = looked ? error(certificate_verification_error(err)) : errors::make("tls: internal error: no memory");
  });
  return 0;
}

int callbacks::keep_session(SSL* ssl, SSL_SESSION* kept) noexcept {
  const session& s = *of(ssl);
  // 1: the handle is ours now.
  return succeeds([&] { tls::keep_session(s.config_->client_session_cache, s.place_, kept); }) ? 1 : 0;
}

void callbacks::log_key(const SSL* ssl, const char* line) noexcept {
  session& s = *of(ssl);
  if (SSL_is_init_finished(ssl) == 1) {
    return;
  }
  succeeds([&] {
    s.key_log_ += line;
    s.key_log_ += '\n';
  });
}

}  // namespace gossamer::inline v0::tls
