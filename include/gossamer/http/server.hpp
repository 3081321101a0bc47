// http/server: accepts connections, reads requests from them, and has them answered.
// Source: Go's http.Server.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../limit.hpp"
#include "../net/conn.hpp"
#include "../time.hpp"
#include "handler.hpp"

namespace gossamer::inline v0::tls {
class config;
}  // namespace gossamer::inline v0::tls

namespace gossamer::inline v0::http {

// `http: Server closed`: what serve() returns after shutdown() and close().
GOSSAMER_API extern const errors::sentinel server_closed;
// `net/http: abort Handler`. panic(abort_handler) ends the connection, and nothing is logged.
GOSSAMER_API extern const errors::sentinel abort_handler;

// What a connection does. Source: Go's http.ConnState.
enum class conn_state : std::uint8_t { created, active, idle, hijacked, closed };

class server;
// Of a request's context: the key of its server, a `server*`.
struct server_key {
  friend bool operator==(server_key, server_key) = default;
};
// And that of the address that the client has connected to, a net::addr.
struct local_addr_key {
  friend bool operator==(local_addr_key, local_addr_key) = default;
};
inline constexpr server_key server_context_key;
inline constexpr local_addr_key local_addr_context_key;

struct serving;       // lib/http
struct server_state;  // lib/http

// A server. In place: it must live until all its calls have returned and its connections have ended (shutdown() waits
// for them). A close() or shutdown() that has begun may go on after serve() has returned and the server is gone. The
// fields are set before it serves; all calls may be made from any fiber or thread.
class GOSSAMER_API server {
 public:
  server();
  server(std::string address, http::handler h);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  // `host:port` of listen_and_serve(); empty: `:http`, with TLS `:https`.
  std::string addr;
  // nil: the default serve_mux.
  http::handler handler;
  // How long reading a request may take, its body included; 0: no limit. Counted from where its first byte is awaited
  // (of a connection that is kept: from where it comes).
  time::duration read_timeout{0};
  // Of the header alone; 0: read_timeout; less: no limit.
  time::duration read_header_timeout{0};
  // From the end of the request's header to the end of the answer; 0: no limit.
  time::duration write_timeout{0};
  // How long a connection is kept that no request comes on; 0: read_timeout; less: no limit.
  time::duration idle_timeout{0};
  // Of the request line and the fields; 0: 1 MiB. About 4 KiB more are let through, as in Go. Beyond: 431.
  std::size_t max_header_bytes = 0;
  // Of fields; 0: 500. Beyond: 431.
  std::size_t max_header_value_count = 0;
  // Takes a line without its end; nil: standard error, with date and time. Called by any fiber.
  std::function<void(std::string_view line)> error_log;
  // Called when a connection's state changes, in its own fiber.
  std::function<void(const net::conn&, http::conn_state)> conn_state;
  // What all requests' contexts come from; nil: background(). Called once for each serve().
  std::function<context::context(const net::listener&)> base_context;
  // What the contexts of a connection's requests come from.
  std::function<context::context(const context::context&, const net::conn&)> conn_context;
  // For serve_tls() and listen_and_serve_tls().
  std::shared_ptr<tls::config> tls_config;
  // Pass `OPTIONS *` on to the handler, instead of answering 200.
  bool disable_general_options_handler = false;

  // Listens on addr, and serves; see serve().
  gossamer::error listen_and_serve();
  // Accepts connections, each served by a fiber of its own, until the listener fails or the server is shut down: then
  // server_closed. Closes the listener. May be called several times at once, with a listener each.
  gossamer::error serve(const net::listener& on);
  // The same over TLS. The files hold certificates and the key in PEM; both may be empty where tls_config has one.
  gossamer::error listen_and_serve_tls(std::string_view cert_file, std::string_view key_file);
  gossamer::error serve_tls(const net::listener& on, std::string_view cert_file, std::string_view key_file);

  // Ends it gracefully: closes the listeners, calls what was registered, closes connections that are idle, and waits
  // until all others are. Hijacked ones are not waited for. `ctx` ends the waiting, with its error (a context's), and
  // nothing else: connections that are active go on.
  gossamer::error shutdown(const context::context& ctx);
  // Ends it at once: closes the listeners and all connections. Hijacked ones stay.
  gossamer::error close();
  // f is called by shutdown(), in a fiber of its own.
  void register_on_shutdown(std::function<void()> f);
  // Off: each connection ends with the request that is on it, and idle ones are closed.
  void set_keep_alives_enabled(bool on);

 private:
  std::shared_ptr<const serving> snapshot(const net::listener& on);

  std::shared_ptr<server_state> state_;
};

// As server{addr, handler}.listen_and_serve(). nil: the default serve_mux.
GOSSAMER_API gossamer::error listen_and_serve(std::string_view addr, http::handler h);
GOSSAMER_API gossamer::error listen_and_serve_tls(std::string_view addr, std::string_view cert_file,
                                                  std::string_view key_file, http::handler h);
GOSSAMER_API gossamer::error serve(const net::listener& on, http::handler h);

}  // namespace gossamer::inline v0::http
