// connector: makes connections to servers, through proxies and TLS.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gossamer/context.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/http/transport.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"
#include "gossamer/tls.hpp"
#include "http/client/connect_method.hpp"
#include "http/client/persistent_conn.hpp"

namespace gossamer::inline v0::http {

// A transport's fields of that name.
struct connector_settings {
  dial_function dial_context;
  dial_function dial_tls_context;
  std::shared_ptr<const tls::config> tls_client_config;
  time::duration tls_handshake_timeout{0};
  http::header proxy_connect_header;
  std::int64_t max_response_header_bytes = 0;
};

// By any number of fibers.
class connector {
 public:
  explicit connector(connector_settings how) : how_(std::move(how)) {}

  // ctx ends it, and may have a client_trace.
  std::pair<made_conn, gossamer::error> make(const connect_method& to, const context::context& ctx);

 private:
  gossamer::error reach_first(const connect_method& to, const context::context& ctx, made_conn& c);
  gossamer::error dial(const std::string& address, const context::context& ctx, made_conn& c) const;
  gossamer::error add_tls(std::string_view host, const context::context& ctx, made_conn& c);
  gossamer::error shake_hands(const context::context& ctx, made_conn& c) const;
  gossamer::error open_tunnel(const connect_method& to, const context::context& ctx, made_conn& c) const;
  std::shared_ptr<const tls::config> config_for(std::string_view host);

  const connector_settings how_;
  sync::mutex lock_;
  // Under lock_: by the server's name. One that is used again can have sessions, and need not read its roots again.
  std::map<std::string, std::shared_ptr<const tls::config>, std::less<>> configs_;
};

}  // namespace gossamer::inline v0::http
