// ws/dial: a client's side of the handshake.
// Source: coder/websocket's Dial and DialOptions. Differs: redirects are not followed; no proxy.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../http/header.hpp"
#include "../http/transport.hpp"
#include "conn.hpp"

namespace gossamer::inline v0::ws {

// How a client makes one.
struct dial_options {
  // Sent along: Origin, Cookie, Authorization; a Host counts instead of the URL's.
  http::header header{};
  // Those that are spoken, the best first; conn::subprotocol() is the one that the server has chosen.
  std::vector<std::string> subprotocols{};
  compression_mode compression = compression_mode::disabled;
  // As accept_options has it.
  std::size_t compression_threshold = 0;
  // For wss; null: as a config is made. The server's name is the URL's host where it has none.
  std::shared_ptr<const tls::config> tls_config{};
  // How the connection below TLS is made; nil: by net::dialer.
  http::dial_function dial_context{};
};

// The server has answered with something else than 101: `expected handshake response status code 101 but got 403`.
class GOSSAMER_API handshake_error final : public errors::base {
 public:
  handshake_error(int status, std::string body) : status_(status), body_(std::move(body)) {}
  int status() const noexcept { return status_; }
  // What has come of it with the head, at most 1,024 bytes.
  const std::string& body() const noexcept { return body_; }
  std::string text() const override;

 private:
  int status_;
  std::string body_;
};

// A connection to `ws://host:port/path`, wss, http or https. `ctx` is that of connecting and of the handshake; the
// connection may outlive it. Errors, after `failed to WebSocket dial: `: those of http::parse_url(), `unexpected url
// scheme: "ftp"`, those of dialing and of TLS, handshake_error, `WebSocket protocol violation: …`.
[[nodiscard]] GOSSAMER_API std::pair<conn, error> dial(const context::context& ctx, std::string_view url,
                                                       const dial_options& how = {});

}  // namespace gossamer::inline v0::ws
