#include "gossamer/ws/dial.hpp"

#include <array>
#include <chrono>

#include "gossamer/errors.hpp"
#include "gossamer/http/response.hpp"
#include "gossamer/http/status.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/io_errors.hpp"
#include "gossamer/net/dial.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/tls/config.hpp"
#include "gossamer/tls/conn.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/client/response_reader.hpp"
#include "http/field_lists.hpp"
#include "http/host_text.hpp"
#include "http/input.hpp"
#include "http/quote.hpp"
#include "http/random.hpp"
#include "ws/connection.hpp"
#include "ws/handshake.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr std::int64_t most_head_bytes = std::int64_t{32} << 10U;
constexpr std::size_t most_body_bytes = 1024;
// For the rest of a chunk's head.
constexpr std::chrono::seconds body_patience{1};

// ---- connecting -----------------------------------------------------------------------------------------------------

// `ws` as `http`, `wss` as `https`.
std::pair<http::url, error> parse_target(std::string_view text) {
  auto [u, err] = http::parse_url(text);
  if (err) {
    return {{}, errors::wrap(std::move(err), "failed to parse url")};
  }
  if (u.scheme == "ws" || u.scheme == "wss") {
    u.scheme = u.scheme == "ws" ? "http" : "https";
  } else if (u.scheme != "http" && u.scheme != "https") {
    return {{}, errors::make("unexpected url scheme: ", http::quoted(u.scheme))};
  }
  if (u.hostname().empty()) {
    return {{}, errors::make("http: no Host in request URL")};
  }
  return {std::move(u), nullptr};
}

std::pair<net::conn, error> connect(const context::context& ctx, const http::url& u, const dial_options& how) {
  const bool is_secure = u.scheme == "https";
  const std::string_view port = u.port();
  const std::string address = net::join_host_port(u.hostname(), !port.empty() ? port : is_secure ? "443" : "80");
  if (is_secure && !how.dial_context) {
    return tls::dialer{.net_dialer = {}, .config = how.tls_config}.dial_context(ctx, "tcp", address);
  }
  auto [c, err] =
      how.dial_context ? how.dial_context(ctx, "tcp", address) : net::dialer().dial_context(ctx, "tcp", address);
  if (err || !is_secure) {
    return {std::move(c), std::move(err)};
  }
  auto config = how.tls_config ? std::make_shared<tls::config>(*how.tls_config) : std::make_shared<tls::config>();
  if (config->server_name.empty()) {
    config->server_name = u.hostname();
  }
  c = tls::client(std::move(c), std::move(config));
  err = tls::handshake(c, ctx);
  if (err) {
    c.close();
  }
  return {std::move(c), std::move(err)};
}

// ---- asking ---------------------------------------------------------------------------------------------------------

std::string random_key() {
  const auto bytes = http::random_bytes<16>();
  return http::encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_value(std::string_view value) noexcept {
  return std::ranges::none_of(value,
                              [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

// An error where what the caller has given would break the head.
std::pair<std::string, error> request_to(const http::url& u, const dial_options& how, const std::string& key) {
  std::string host(how.header.get("Host"));
  if (host.empty()) {
    http::append_without_zone(host, u.host);
  }
  std::string head = "GET " + u.request_uri() + " HTTP/1.1\r\n";
  error err;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!is_value(value)) {
      err = errors::make("net/http: invalid header field value for ", http::quoted(name));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", host);
  add("Upgrade", "websocket");
  add("Connection", "Upgrade");
  add("Sec-WebSocket-Version", "13");
  add("Sec-WebSocket-Key", key);
  std::string list;
  for (const std::string& one : how.subprotocols) {
    list.append(list.empty() ? "" : ",").append(one);
  }
  if (!list.empty()) {
    add("Sec-WebSocket-Protocol", list);
  }
  if (const std::string offer = offer_deflate(how.compression); !offer.empty()) {
    add("Sec-WebSocket-Extensions", offer);
  }
  if (u.user && !how.header.has("Authorization")) {
    add("Authorization", "Basic " + http::encode_base64(u.user->username() + ":" + u.user->password().value_or("")));
  }
  for (const http::header::field& f : how.header) {
    if (!http::is_token(f.name)) {
      err = errors::make("net/http: invalid header field name ", http::quoted(f.name));
    } else if (may_be_sent(f.name)) {
      add(f.name, f.value);
    }
  }
  return {head + "\r\n", std::move(err)};
}

// ---- the answer -----------------------------------------------------------------------------------------------------

// With what has come of its body, where it is not the answer that was hoped for.
std::pair<http::response, error> read_answer(http::input& from, std::string& body, const context::context& ctx) {
  http::response_reader reader(from);
  http::response a;
  if (error err = reader.read_head(a, false, most_head_bytes, nullptr, ctx)) {
    return {{}, err == io::eof ? error(io::unexpected_eof) : err};
  }
  if (a.status_code != http::status_switching_protocols && !from.empty()) {
    from.connection().set_read_deadline(std::chrono::steady_clock::now() + body_patience);
    body.resize(most_body_bytes);
    body.resize(reader.read_body(std::as_writable_bytes(std::span(body)), ctx).first);
  }
  return {std::move(a), nullptr};
}

error check_answer(const http::response& a, const std::string& body, const std::string& key, const dial_options& how) {
  if (a.status_code != http::status_switching_protocols) {
    return handshake_error(a.status_code, body);
  }
  const auto said = [&a](std::string_view name) { return http::quoted(a.header.get(name)); };
  if (!http::lists_token(a.header, "Connection", "Upgrade")) {
    return violation("Connection header " + said("Connection") + " does not contain Upgrade");
  }
  if (!http::lists_token(a.header, "Upgrade", "websocket")) {
    return violation("Upgrade header " + said("Upgrade") + " does not contain websocket");
  }
  if (a.header.get("Sec-WebSocket-Accept") != accept_key(key)) {
    return violation("invalid Sec-WebSocket-Accept " + said("Sec-WebSocket-Accept") + ", key " + http::quoted(key));
  }
  const std::string_view chosen = a.header.get("Sec-WebSocket-Protocol");
  const auto is_chosen = [chosen](std::string_view one) { return http::same_name(one, chosen); };
  if (!chosen.empty() && std::ranges::none_of(how.subprotocols, is_chosen)) {
    return violation("unexpected Sec-WebSocket-Protocol from server: " + http::quoted(chosen));
  }
  return nullptr;
}

std::pair<conn, error> shake(const net::conn& c, const context::context& ctx, const http::url& u,
                             const dial_options& how) {
  const std::string key = random_key();
  auto [head, err] = request_to(u, how, key);
  if (!err) {
    err = c.write(head, ctx).second;
  }
  if (err) {
    return {nullptr, std::move(err)};
  }
  http::input from(c);
  std::string body;
  auto [a, read_err] = read_answer(from, body, ctx);
  if (read_err) {
    return {nullptr, errors::wrap(std::move(read_err), "failed to send handshake request")};
  }
  if (error wrong = check_answer(a, body, key, how)) {
    return {nullptr, std::move(wrong)};
  }
  const auto terms = answered_deflate(a.header, how.compression, how.compression_threshold);
  if (!terms) {
    return {nullptr,
            violation("unsupported extensions from server: " + http::quoted(a.header.get("Sec-WebSocket-Extensions")))};
  }
  settled all{
      .side = side::client, .deflate = *terms, .subprotocol = std::string(a.header.get("Sec-WebSocket-Protocol"))};
  return {make_conn(c, std::move(all), std::string(from.unread())), nullptr};
}

}  // namespace

std::string handshake_error::text() const {
  return "expected handshake response status code 101 but got " + std::to_string(status_);
}

std::pair<conn, error> dial(const context::context& ctx, std::string_view url, const dial_options& how) {
  constexpr const char* what = "failed to WebSocket dial";
  auto [u, err] = parse_target(url);
  if (err) {
    return {nullptr, errors::wrap(std::move(err), what)};
  }
  auto [c, dial_err] = connect(ctx, u, how);
  if (dial_err) {
    return {nullptr, errors::wrap(std::move(dial_err), what)};
  }
  auto [made, shake_err] = shake(c, ctx, u, how);
  if (shake_err) {
    cut_off(c);
  }
  return {std::move(made), errors::wrap(std::move(shake_err), what)};
}

}  // namespace gossamer::inline v0::ws
