// session: see session.hpp.
#include "tls/session.hpp"

#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/net/addr.hpp"
#include "tls/certificate.hpp"
#include "tls/failure.hpp"
#include "tls/host_names.hpp"
#include "tls/session_cache.hpp"

namespace gossamer::inline v0::tls {

namespace {

// An address, in brackets or not, is not asked for by name, and nor is the dot at the end.
std::string asked_name(const std::string& name) {
  std::string_view host = name;
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (net::ip::parse(host)) {
    return {};
  }
  while (!host.empty() && host.back() == '.') {
    host.remove_suffix(1);
  }
  return std::string(host);
}

}  // namespace

error session::open(std::shared_ptr<const config> of, SSL_CTX* context, bool server, std::string name,
                    std::string place) {
  config_ = std::move(of);
  name_ = std::move(name);
  place_ = std::move(place);
  server_ = server;
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* const below = ssl_ ? BIO_new(callbacks::transport()) : nullptr;
  if (below == nullptr) {
    return errors::make("tls: internal error: ", error_text(ERR_get_error()));
  }
  BIO_set_data(below, this);
  BIO_set_init(below, 1);
  SSL_set_bio(ssl_.get(), below, below);
  SSL_set_app_data(ssl_.get(), this);
  if (server) {
    SSL_set_accept_state(ssl_.get());
    return nullptr;
  }
  SSL_set_connect_state(ssl_.get());
  return start_client();
}

// One that has ended otherwise than by an error may be resumed, whoever has said that it is the end or not: OpenSSL
// thinks otherwise. After an error it has seen to that already.
session::~session() {
  if (ssl_) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

error session::start_client() {
  const std::string asked = asked_name(name_);
  if (!asked.empty() && SSL_set_tlsext_host_name(ssl_.get(), asked.c_str()) != 1) {
    return errors::make("tls: internal error: ", error_text(ERR_get_error()));
  }
  if (error err = allow_protocols()) {
    return err;
  }
  if (const session_ptr earlier =
          config_->client_session_cache ? take_session(config_->client_session_cache, place_) : nullptr) {
    offers_earlier_ = SSL_set_session(ssl_.get(), earlier.get()) == 1;
  }
  ERR_clear_error();
  return nullptr;
}

void session::forget_earlier() noexcept {
  if (offers_earlier_) {
    forget_session(config_->client_session_cache, place_);
  }
}

error session::allow_protocols() {
  std::string list;
  for (const std::string& p : config_->next_protos) {
    if (p.empty() || p.size() > 255) {
      return errors::make("tls: invalid NextProtos value");
    }
    list += static_cast<char>(static_cast<unsigned char>(p.size()));
    list += p;
  }
  if (list.size() > 0xffff) {
    return errors::make("tls: NextProtos values too large");
  }
  // 0 is success here.
  if (!list.empty() && SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                                           static_cast<unsigned>(list.size())) != 0) {
    return errors::make("tls: invalid NextProtos value");
  }
  return nullptr;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

step session::handshake() {
  ERR_clear_error();
  return outcome(SSL_do_handshake(ssl_.get()));
}

step session::read(std::span<std::byte> to, std::size_t& n) {
  ERR_clear_error();
  return outcome(SSL_read_ex(ssl_.get(), to.data(), to.size(), &n));
}

step session::write(std::span<const std::byte> from) {
  ERR_clear_error();
  std::size_t n = 0;
  const step s = outcome(SSL_write_ex(ssl_.get(), from.data(), from.size(), &n));
  // There is always room for output, and without renegotiation a write never waits for input.
  return s == step::done || s == step::failed ? s : fail(errors::make("tls: internal error: write without progress"));
}

void session::shut() {
  if (!std::exchange(shut_, true)) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

namespace {

// The last one that is queued. From OpenSSL 3.2 on the record layer queues one of its own behind that which says why.
unsigned long take_last_error() {
#if defined(SSL_R_RECORD_LAYER_FAILURE)
  constexpr int says_nothing = SSL_R_RECORD_LAYER_FAILURE;
#else
  constexpr int says_nothing = -1;
#endif
  unsigned long last = 0;
  while (const unsigned long code = ERR_get_error()) {
    const bool says_little = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == says_nothing;
    last = says_little && last != 0 ? last : code;
  }
  return last;
}

}  // namespace

step session::outcome(int result) {
  if (result > 0) {
    return step::done;
  }
  const int kind = SSL_get_error(ssl_.get(), result);
  const unsigned long code = take_last_error();
  switch (kind) {
    case SSL_ERROR_WANT_READ:
      return step::input;
    case SSL_ERROR_WANT_X509_LOOKUP:
      return step::certificate;
    case SSL_ERROR_ZERO_RETURN:
      return step::ended;
    default:
      return fail(refusal_ ? refusal_ : why(code));
  }
}

// The first failure is what all later ones come from.
step session::fail(error why) {
  failure_ = failure_ ? failure_ : std::move(why);
  return step::failed;
}

error session::why(unsigned long code) const {
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_NO_APPLICATION_PROTOCOL) {
    return errors::make("tls: client requested unsupported application protocols (", offered_, ")");
  }
  return failure_of(code, server_);
}

// ---- certificates ---------------------------------------------------------------------------------------------------

namespace {

// Null where there is no memory. It refers to those that the certificate has.
x509_list_ptr between_of(const certificate_data& d) {
  x509_list_ptr all(sk_X509_new_null());
  for (const x509_ptr& b : d.between) {
    if (all && sk_X509_push(all.get(), b.get()) <= 0) {
      all.reset();
    }
  }
  return all;
}

}  // namespace

bool session::take(const certificate& c) {
  const certificate_data& d = *c.data();
  const x509_list_ptr between = between_of(d);
  return between && SSL_use_cert_and_key(ssl_.get(), d.own.get(), d.key.get(), between.get(), 1) == 1;
}

// Of each sort of key there is a place for one certificate: the first that is for the name is put there last. Who asks
// for nobody by name gets the first of a sort that he knows.
void session::choose(const std::vector<certificate>& from) {
  ERR_clear_error();
  chosen_ = true;
  const std::string name = server_name();
  bool any = false;
  for (auto c = from.rbegin(); c != from.rend(); ++c) {
    if (*c && (name.empty() || is_for_host(c->data()->own.get(), name))) {
      any = take(*c) || any;
    }
  }
  for (auto c = from.begin(); !any && c != from.end(); ++c) {
    any = *c && take(*c);
  }
  const unsigned long why = ERR_peek_last_error();
  ERR_clear_error();
  if (!any) {
    refusal_ = why == 0 ? errors::make("tls: no certificates configured") : errors::make("tls: ", error_text(why));
  }
}

// Whether the server knows its sort of signature, and trusts somebody who has signed it or one between, as far as it
// has said whom it trusts.
bool session::is_asked_for(const certificate& c) const {
  constexpr int wanted = CERT_PKEY_SIGN | CERT_PKEY_ISSUER_NAME;
  const certificate_data& d = *c.data();
  const x509_list_ptr between = between_of(d);
  return between && (SSL_check_chain(ssl_.get(), d.own.get(), d.key.get(), between.get()) & wanted) == wanted;
}

// A client that has none that fits says so: whether that will do is for the server to say.
// Source: Go's Conn.getClientCertificate.
void session::show_own() {
  // What goes wrong here is not why the handshake fails.
  ERR_set_mark();
  for (const certificate& c : config_->certificates) {
    if (c && is_asked_for(c) && take(c)) {
      break;
    }
  }
  ERR_pop_to_mark();
}

void session::refuse(error why) {
  chosen_ = true;
  refusal_ = std::move(why);
}

// ---- what was agreed on ---------------------------------------------------------------------------------------------

std::string session::server_name() const {
  if (!server_) {
    return name_;
  }
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

namespace {

std::string text_of(const X509_NAME* name) {
  const bio_ptr to(BIO_new(BIO_s_mem()));
  char* at = nullptr;
  if (!to || X509_NAME_print_ex(to.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    return {};
  }
  const long bytes = BIO_get_mem_data(to.get(), &at);
  return bytes > 0 ? std::string(at, static_cast<std::size_t>(bytes)) : std::string();
}

peer_certificate shown(X509* c) {
  peer_certificate p;
  unsigned char* der = nullptr;
  if (const int bytes = i2d_X509(c, &der); bytes > 0) {
    p.raw.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(bytes));
    OPENSSL_free(der);
  }
  p.subject = text_of(X509_get_subject_name(c));
  p.issuer = text_of(X509_get_issuer_name(c));
  return p;
}

}  // namespace

connection_state session::state() const {
  connection_state s;
  s.version = version();
  s.handshake_complete = true;
  s.did_resume = SSL_session_reused(ssl_.get()) == 1;
  if (const SSL_CIPHER* const c = SSL_get_current_cipher(ssl_.get())) {
    s.cipher_suite = SSL_CIPHER_get_protocol_id(c);
  }
  const unsigned char* chosen = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &bytes);
  s.negotiated_protocol.assign(reinterpret_cast<const char*>(chosen), bytes);
  s.server_name = server_name();
  // A server's list is without the client's own one.
  const x509_ptr own(server_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr);
  if (own) {
    s.peer_certificates.push_back(shown(own.get()));
  }
  STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl_.get());
  for (int i = 0; i < sk_X509_num(chain); i++) {
    s.peer_certificates.push_back(shown(sk_X509_value(chain, i)));
  }
  ERR_clear_error();
  return s;
}

}  // namespace gossamer::inline v0::tls
