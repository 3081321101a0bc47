// ws/dial: a client's side of the handshake.
// Source: coder/websocket's Dial and DialOptions. Differs: the answer that was no 101 is in the error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../http/client.hpp"
#include "../http/header.hpp"
#include "conn.hpp"

namespace gossamer::inline v0::ws {

// How a client makes one.
struct dial_options {
  // What asks: its transport makes the connection, by proxies, TLS and all, its timeout is that of the handshake; it
  // follows redirects, and its jar has the cookies.
  http::client http_client{};
  // Sent along: Origin, Cookie, Authorization; a Host counts instead of the URL's.
  http::header header{};
  // Those that are spoken, the best first; conn::subprotocol() is the one that the server has chosen.
  std::vector<std::string> subprotocols{};
  compression_mode compression = compression_mode::disabled;
  // As accept_options has it.
  std::size_t compression_threshold = 0;
};

// The server has answered with something else than 101: `expected handshake response status code 101 but got 403`.
class GOSSAMER_API handshake_error final : public errors::base {
 public:
  handshake_error(int status, std::string body) : status_(status), body_(std::move(body)) {}
  int status() const noexcept { return status_; }
  // What has come of it within a second, at most 1,024 bytes.
  const std::string& body() const noexcept { return body_; }
  std::string text() const override;

 private:
  int status_;
  std::string body_;
};

// A connection to `ws://host:port/path`, wss, http or https. `ctx` is that of connecting and of the handshake; the
// connection may outlive it. Errors, after `failed to WebSocket dial: `: those of http::parse_url(), `unexpected url
// scheme: "ftp"`, those of http::client::do_() after `failed to send handshake request: `, handshake_error, `WebSocket
// protocol violation: …`.
[[nodiscard]] GOSSAMER_API std::pair<conn, error> dial(const context::context& ctx, std::string_view url,
                                                       const dial_options& how = {});

}  // namespace gossamer::inline v0::ws
