// context: see context.hpp.
#include "tls/context.hpp"

#include <atomic>
#include <memory>

#include "gossamer/errors.hpp"
#include "tls/certificate.hpp"
#include "tls/failure.hpp"
#include "tls/session.hpp"
#include "tls/system_roots.hpp"

namespace gossamer::inline v0::tls {

namespace {

// Forward secrecy and authenticated encryption, and then the two that Go has still on by default.
constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES+SHA1:!PSK";

error failed() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  return errors::make("tls: internal error: ", error_text(code));
}

// The certificates that are trusted; nil: the system's.
error trust(SSL_CTX* to, const cert_pool& pool, bool server) {
  std::shared_ptr<cert_pool_data> from = pool.data();
  if (!from) {
    error err;
    std::tie(from, err) = system_roots();
    if (err) {
      return err;
    }
  }
  store_ptr store = from->share();
  if (!store) {
    return failed();
  }
  SSL_CTX_set_cert_store(to, store.release());
  if (server && pool) {
    // The names are told to clients, which may have several certificates.
    const std::scoped_lock hold(from->guard);
    for (const x509_ptr& c : from->all) {
      SSL_CTX_add_client_CA(to, c.get());
    }
  }
  return nullptr;
}

int verify_mode(const config& c, bool server) {
  if (!server) {
    return c.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
  }
  switch (c.client_auth) {
    case client_auth_type::no_client_cert:
      return SSL_VERIFY_NONE;
    case client_auth_type::require_any_client_cert:
    case client_auth_type::require_and_verify_client_cert:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    default:
      return SSL_VERIFY_PEER;
  }
}

void set_up_server(SSL_CTX* to, const config& c) {
  static constexpr unsigned char id[] = {'g'};
  SSL_CTX_set_session_id_context(to, id, sizeof id);
  SSL_CTX_set_session_cache_mode(to, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cert_cb(to, &callbacks::choose_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(to, &callbacks::choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(to, &callbacks::accept_name);
  SSL_CTX_set_session_ticket_cb(to, nullptr, &callbacks::take_ticket, nullptr);
  SSL_CTX_set_num_tickets(to, c.session_tickets_disabled ? 0 : 1);
  if (c.session_tickets_disabled) {
    SSL_CTX_set_options(to, SSL_OP_NO_TICKET);
  }
}

void set_up_client(SSL_CTX* to, const config& c) {
  SSL_CTX_set_cert_cb(to, &callbacks::show_certificate, nullptr);
  if (c.client_session_cache) {
    SSL_CTX_set_session_cache_mode(to, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(to, &callbacks::keep_session);
  } else {
    SSL_CTX_set_session_cache_mode(to, SSL_SESS_CACHE_OFF);
  }
}

bool set_versions(SSL_CTX* to, const config& c) {
  const int least = c.min_version == 0 ? version_tls12 : c.min_version;
  if (least < version_tls12) {
    // At no other level does OpenSSL speak the old ones, whose signatures are made with SHA-1.
    SSL_CTX_set_security_level(to, 0);
  }
  return SSL_CTX_set_min_proto_version(to, least) == 1 && SSL_CTX_set_max_proto_version(to, c.max_version) == 1 &&
         (c.max_version == 0 || least <= c.max_version);
}

std::pair<ssl_ctx_ptr, error> make(const config& c, bool server) {
  ERR_clear_error();
  ssl_ctx_ptr made(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const to = made.get();
  if (to == nullptr || SSL_CTX_set_cipher_list(to, tls12_ciphers) != 1) {
    return {nullptr, failed()};
  }
  if (!set_versions(to, c)) {
    return {nullptr, errors::make("tls: no supported versions satisfy MinVersion and MaxVersion")};
  }
  SSL_CTX_set_options(
      to, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Buffers are let go while nothing is in them: most connections of a server are idle. The chain is the one that the
  // certificate came with.
  SSL_CTX_set_mode(to, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_verify(to, verify_mode(c, server), nullptr);
  SSL_CTX_set_cert_verify_callback(to, &callbacks::verify, nullptr);
  if (c.key_log_writer) {
    SSL_CTX_set_keylog_callback(to, &callbacks::log_key);
  }
  if (server) {
    set_up_server(to, c);
  } else {
    set_up_client(to, c);
  }
  const bool verifies =
      server ? c.client_auth >= client_auth_type::verify_client_cert_if_given : !c.insecure_skip_verify;
  if (error err = verifies ? trust(to, server ? c.client_cas : c.root_cas, server) : error()) {
    return {nullptr, err};
  }
  return {std::move(made), nullptr};
}

}  // namespace

std::pair<SSL_CTX*, error> context_of(const config& c, bool server) {
  config_core& core = c.core();
  const detail::held hold(core.guard);
  ssl_ctx_ptr& kept = core.contexts[server ? 1 : 0];
  if (!kept) {
    error err;
    std::tie(kept, err) = make(c, server);
    if (err) {
      return {nullptr, err};
    }
  }
  return {kept.get(), nullptr};
}

// ---- config ---------------------------------------------------------------------------------------------------------

namespace {

constinit std::atomic<std::uint64_t> configs = 0;

}  // namespace

config_core::config_core() : number(configs++) {}

config::own_core::own_core() : core(std::make_shared<config_core>()) {}

}  // namespace gossamer::inline v0::tls
