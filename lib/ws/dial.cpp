#include "gossamer/ws/dial.hpp"

#include <sys/random.h>

#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "gossamer/errors.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/io_errors.hpp"
#include "gossamer/net/dial.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/tls/config.hpp"
#include "gossamer/tls/conn.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/quote.hpp"
#include "ws/connection.hpp"
#include "ws/handshake.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr std::size_t most_head_bytes = std::size_t{32} << 10U;
constexpr std::size_t most_body_bytes = 1024;

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
  std::array<char, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    panic("getrandom failed");
  }
  return http::encode_base64({bytes.data(), bytes.size()});
}

bool is_value(std::string_view value) noexcept {
  return std::ranges::none_of(value,
                              [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

// An error where what the caller has given would break the head.
std::pair<std::string, error> request_to(const http::url& u, const dial_options& how, const std::string& key) {
  const std::string_view given_host = how.header.get("Host");
  std::string head = "GET " + u.request_uri() + " HTTP/1.1\r\n";
  error err;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!is_value(value)) {
      err = errors::make("net/http: invalid header field value for ", http::quoted(name));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", given_host.empty() ? std::string_view(u.host) : given_host);
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

struct answer {
  int status = 0;
  http::header fields;
  std::string ahead;  // what has come behind the head
};

// Up to the end of the head, and what comes with it.
std::pair<answer, error> read_answer(const net::conn& c, const context::context& ctx) {
  std::string all;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    if (all.size() >= most_head_bytes) {
      return {{}, errors::make("net/http: server response headers exceeded ", most_head_bytes, " bytes; aborted")};
    }
    std::array<char, 1024> room;
    const auto [n, err] = c.read(room, ctx);
    const std::size_t before = all.size();
    all.append(room.data(), n);
    end = all.find("\r\n\r\n", before - std::min<std::size_t>(before, 3));
    if (err && end == std::string::npos) {
      return {{}, err == io::eof ? error(io::unexpected_eof) : err};
    }
  }
  boost::beast::http::response_parser<boost::beast::http::empty_body> parser;
  parser.header_limit(most_head_bytes * 2);
  boost::system::error_code code;
  parser.put(boost::asio::buffer(all.data(), end + 4), code);
  if (code || !parser.is_header_done()) {
    return {{}, errors::make("malformed HTTP response")};
  }
  answer a;
  a.status = static_cast<int>(parser.get().result_int());
  for (const auto& f : parser.get()) {
    a.fields.add({f.name_string().data(), f.name_string().size()}, {f.value().data(), f.value().size()});
  }
  a.ahead = all.substr(end + 4);
  return {std::move(a), nullptr};
}

error check_answer(const answer& a, const std::string& key, const dial_options& how) {
  if (a.status != 101) {
    return handshake_error(a.status, a.ahead.substr(0, most_body_bytes));
  }
  const auto said = [&a](std::string_view name) { return http::quoted(a.fields.get(name)); };
  if (!lists_token(a.fields, "Connection", "Upgrade")) {
    return violation("Connection header " + said("Connection") + " does not contain Upgrade");
  }
  if (!lists_token(a.fields, "Upgrade", "websocket")) {
    return violation("Upgrade header " + said("Upgrade") + " does not contain websocket");
  }
  if (a.fields.get("Sec-WebSocket-Accept") != accept_key(key)) {
    return violation("invalid Sec-WebSocket-Accept " + said("Sec-WebSocket-Accept") + ", key " + http::quoted(key));
  }
  const std::string_view chosen = a.fields.get("Sec-WebSocket-Protocol");
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
  auto [a, read_err] = read_answer(c, ctx);
  if (read_err) {
    return {nullptr, errors::wrap(std::move(read_err), "failed to send handshake request")};
  }
  if (error wrong = check_answer(a, key, how)) {
    return {nullptr, std::move(wrong)};
  }
  const auto terms = answered_deflate(a.fields, how.compression, how.compression_threshold);
  if (!terms) {
    return {nullptr,
            violation("unsupported extensions from server: " + http::quoted(a.fields.get("Sec-WebSocket-Extensions")))};
  }
  settled all{
      .side = side::client, .deflate = *terms, .subprotocol = std::string(a.fields.get("Sec-WebSocket-Protocol"))};
  return {make_conn(c, std::move(all), std::move(a.ahead)), nullptr};
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
