// tls/config: how connections are encrypted, and who is trusted.
// Source: Go's tls.Config, ClientHelloInfo, ClientAuthType, ClientSessionCache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/stream.hpp"
#include "../net/conn.hpp"
#include "certificate.hpp"
#include "state.hpp"

namespace gossamer::inline v0::tls {

// What a server wants to see of its clients.
enum class client_auth_type : std::uint8_t {
  no_client_cert,               // asks for none
  request_client_cert,          // asks, and takes whatever comes
  require_any_client_cert,      // `tls: client didn't provide a certificate`; which one does not matter
  verify_client_cert_if_given,  // one that comes must be signed by client_cas
  require_and_verify_client_cert,
};

// What a client has said, when a certificate is chosen for it.
struct client_hello_info {
  std::string server_name;  // empty if it has not named one
  net::conn conn;           // the connection below: to be asked, not to be used
};

struct session_cache_data;  // lib/tls

// Sessions that a client may resume, those used last. A handle; nil keeps none. Configs that share one do not resume
// each other's: the server that one of them trusts is not for the other to trust.
class GOSSAMER_API client_session_cache {
 public:
  client_session_cache() noexcept = default;
  explicit client_session_cache(std::shared_ptr<session_cache_data> data) noexcept : data_(std::move(data)) {}
  explicit operator bool() const noexcept { return data_ != nullptr; }
  // For the library.
  const std::shared_ptr<session_cache_data>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<session_cache_data> data_;
};
// Of that many servers; 0: 64.
[[nodiscard]] GOSSAMER_API client_session_cache new_lru_client_session_cache(std::size_t capacity);

struct config_core;  // lib/tls

// For servers and clients; shared by any number of connections. Not to be changed once it is in use: what was made of
// it then stays. A copy is a config of its own: sessions of one are not resumed by the other's server.
class GOSSAMER_API config {
 public:
  // A server shows the first that is for the name that its client asks for (else the first), with a key of a sort that
  // the client knows. A client that is asked for one shows the first that its server knows and trusts, or else none.
  std::vector<certificate> certificates;
  // A server asks it first, where it is set and there are no certificates, or the client has named somebody. A nil
  // certificate: one of `certificates`. An error ends the handshake, with this error. Called in the fiber that shakes
  // hands, with none of the library's locks held that other connections need: it may wait.
  std::function<std::pair<certificate, error>(const client_hello_info&)> get_certificate;
  // Who is trusted by a client; nil: whom the system trusts.
  cert_pool root_cas;
  // Whom a client trusts to be asked for, and whom it asks for by name (SNI) unless it is an address. dial() takes the
  // host that it dials.
  std::string server_name;
  // A client accepts any certificate: for tests only.
  bool insecure_skip_verify = false;
  client_auth_type client_auth = client_auth_type::no_client_cert;
  // Who is trusted by a server that verifies its clients; nil: whom the system trusts.
  cert_pool client_cas;
  // Protocols that may be spoken within (ALPN), the best first, as `h2`, `http/1.1`.
  std::vector<std::string> next_protos;
  // 0: TLS 1.2.
  std::uint16_t min_version = 0;
  // 0: the newest.
  std::uint16_t max_version = 0;
  // A server neither hands out tickets by which sessions are resumed, nor takes them.
  bool session_tickets_disabled = false;
  // What a client resumes sessions from.
  tls::client_session_cache client_session_cache;
  // Gets the secrets of all connections, in the NSS key log format, a line a write: for debugging only, whoever has
  // them reads everything. One write at a time. An error ends the handshake.
  io::writer key_log_writer;

  // For the library.
  config_core& core() const noexcept { return *own_.core; }

 private:
  // A new one for each copy.
  struct GOSSAMER_API own_core {
    std::shared_ptr<config_core> core;
    own_core();
    own_core(const own_core&) : own_core() {}
    own_core& operator=(const own_core&) {
      core = own_core().core;
      return *this;
    }
  };
  own_core own_;
};

}  // namespace gossamer::inline v0::tls
