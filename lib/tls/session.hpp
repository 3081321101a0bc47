// session: one side of a connection, as bytes in and bytes out. Nothing here parks: what is read and written lies in
// memory, and what needs more than that (input, a certificate) makes a call return with what it needs.
//
// Not for several at once: its owner has a lock. No error of OpenSSL's survives a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/error.hpp"
#include "gossamer/tls/config.hpp"
#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

enum class step : std::uint8_t {
  done,
  input,        // supply() more
  certificate,  // choose() one
  ended,        // the peer has said that it is the end
  failed,       // failure() says why
};

class session {
 public:
  session() = default;
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session();

  // Before all else. `name`: whom a client wants; `place`: what its sessions are kept under.
  error open(std::shared_ptr<const config> of, SSL_CTX* context, bool server, std::string name, std::string place);

  step handshake();
  // Some of what there is. `to` is not empty.
  step read(std::span<std::byte> to, std::size_t& n);
  // All of it, as one record: up to record_bytes.
  step write(std::span<const std::byte> from);
  // Says that it is the end.
  void shut();
  static constexpr std::size_t record_bytes = 16384;

  // What is to be read next; to be called when all before has been read, and to be kept until then.
  void supply(std::span<const std::byte> input) noexcept { input_ = input; }
  // Whether some of that is left, encrypted or not.
  bool has_input() const noexcept { return !input_.empty() || SSL_has_pending(ssl_.get()) == 1; }
  // What is to be sent: it is for the owner to take it away.
  std::vector<std::byte>& output() noexcept { return output_; }
  const error& failure() const noexcept { return failure_; }
  // Lines for the key log, which is to take them before anything is sent.
  std::string take_key_log() noexcept { return std::exchange(key_log_, {}); }

  // Which name the client asks for; in a client, what it has asked for.
  std::string server_name() const;
  // After step::certificate: shows one of these. None: fails with why.
  void choose(const std::vector<certificate>& from);
  void refuse(error why);
  // In a client, when hands could not be shaken: what was offered to be resumed may be why, and is offered no more.
  void forget_earlier() noexcept;

  bool is_server() const noexcept { return server_; }
  std::uint16_t version() const noexcept { return static_cast<std::uint16_t>(SSL_version(ssl_.get())); }
  connection_state state() const;

 private:
  friend struct callbacks;

  step outcome(int result);
  step fail(error why);
  error why(unsigned long code) const;
  bool take(const certificate& c);
  bool is_asked_for(const certificate& c) const;
  void show_own();
  error start_client();
  error allow_protocols();

  ssl_ptr ssl_;
  std::shared_ptr<const config> config_;
  std::string name_;
  std::string place_;
  std::span<const std::byte> input_;
  std::vector<std::byte> output_;
  std::string key_log_;
  error failure_;
  // What a callback has refused; counts before what OpenSSL makes of it.
  error refusal_;
  // What the client has offered, where nothing of it was taken.
  std::string offered_;
  bool server_ = false;
  bool chosen_ = false;
  bool offers_earlier_ = false;
  bool shut_ = false;
};

// What OpenSSL calls, in sessions.
struct callbacks {
  static session* of(const SSL* ssl) noexcept { return static_cast<session*>(SSL_get_app_data(ssl)); }
  static BIO_METHOD* transport();
  static int choose_certificate(SSL* ssl, void*) noexcept;
  static int show_certificate(SSL* ssl, void*) noexcept;
  static SSL_TICKET_RETURN take_ticket(SSL*, SSL_SESSION* s, const unsigned char*, std::size_t,
                                       SSL_TICKET_STATUS status, void*) noexcept;
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_bytes, const unsigned char* in,
                             unsigned in_bytes, void*) noexcept;
  static int accept_name(SSL*, int*, void*) noexcept { return SSL_TLSEXT_ERR_OK; }
  static int verify(X509_STORE_CTX* chain, void*) noexcept;
  static int keep_session(SSL* ssl, SSL_SESSION* s) noexcept;
  static void log_key(const SSL* ssl, const char* line) noexcept;

 private:
  static int read(BIO* b, char* to, std::size_t most, std::size_t* n) noexcept;
  static int write(BIO* b, const char* from, std::size_t bytes, std::size_t* n) noexcept;
  static long control(BIO* b, int what, long, void*) noexcept;
};

// Whether the certificates are good, for a server of that name, or (an empty name) for a client. What OpenSSL is to be
// told is set in the chain.
error verify_chain(X509_STORE_CTX* chain, const std::string& name);

}  // namespace gossamer::inline v0::tls
