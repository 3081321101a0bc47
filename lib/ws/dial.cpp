#include "gossamer/ws/dial.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include "gossamer/errors.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response.hpp"
#include "gossamer/http/status.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/time.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/client/redirect.hpp"
#include "http/field_lists.hpp"
#include "http/hijacked_conn.hpp"
#include "http/quote.hpp"
#include "http/random.hpp"
#include "ws/connection.hpp"
#include "ws/handshake.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr std::int64_t most_body_bytes = 1024;
constexpr std::chrono::seconds body_patience{1};

// `ws` as `http`, `wss` as `https`.
void to_http(http::url& u) {
  if (u.scheme == "ws" || u.scheme == "wss") {
    u.scheme = u.scheme == "ws" ? "http" : "https";
  }
}

std::string random_key() {
  const auto bytes = http::random_bytes<16>();
  return http::encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// ---- asking ---------------------------------------------------------------------------------------------------------

std::pair<http::request, error> request_to(const context::context& ctx, std::string_view url) {
  auto [r, err] = http::new_request_with_context(ctx, "GET", url);
  if (err) {
    return {{}, std::move(err)};
  }
  to_http(r.url);
  if (r.url.scheme != "http" && r.url.scheme != "https") {
    return {{}, errors::make("unexpected url scheme: ", http::quote(r.url.scheme))};
  }
  return {std::move(r), nullptr};
}

void add_fields(http::request& r, const dial_options& how, const std::string& key) {
  if (const std::string_view host = how.header.get("Host"); !host.empty()) {
    r.host = host;
  }
  r.header.set("Upgrade", "websocket");
  r.header.set("Connection", "Upgrade");
  r.header.set("Sec-WebSocket-Version", "13");
  r.header.set("Sec-WebSocket-Key", key);
  std::string list;
  for (const std::string& one : how.subprotocols) {
    list.append(list.empty() ? "" : ",").append(one);
  }
  if (!list.empty()) {
    r.header.set("Sec-WebSocket-Protocol", list);
  }
  if (const std::string offer = offer_deflate(how.compression); !offer.empty()) {
    r.header.set("Sec-WebSocket-Extensions", offer);
  }
  for (const http::header::field& f : how.header) {
    if (may_be_sent(f.name)) {
      r.header.add(f.name, f.value);
    }
  }
}

// One whose redirects may lead to ws: and wss:, too.
http::client following(http::client c) {
  c.check_redirect = [given = std::move(c.check_redirect)](http::request& next,
                                                           std::span<const http::request* const> via) {
    to_http(next.url);
    return given ? given(next, via) : http::check_redirects(via.size());
  };
  return c;
}

// ---- the answer -----------------------------------------------------------------------------------------------------

// The beginning of its body, as far as it comes soon.
std::string beginning_of(const http::response& a) {
  const time::timer impatience = time::after_func(body_patience, [body = a.body] { body.close(); });
  std::string text = io::read_all(io::limit_reader(a.body, most_body_bytes)).first;
  impatience.stop();
  return text;
}

error check_answer(const http::response& a, const std::string& key, const dial_options& how) {
  if (a.status_code != http::status_switching_protocols) {
    return handshake_error(a.status_code, beginning_of(a));
  }
  const auto said = [&a](std::string_view name) { return http::quote(a.header.get(name)); };
  if (!http::lists_token(a.header, "Connection", "Upgrade")) {
    return violation("Connection header " + said("Connection") + " does not contain Upgrade");
  }
  if (!http::lists_token(a.header, "Upgrade", "websocket")) {
    return violation("Upgrade header " + said("Upgrade") + " does not contain websocket");
  }
  if (a.header.get("Sec-WebSocket-Accept") != accept_key(key)) {
    return violation("invalid Sec-WebSocket-Accept " + said("Sec-WebSocket-Accept") + ", key " + http::quote(key));
  }
  const std::string_view chosen = a.header.get("Sec-WebSocket-Protocol");
  const auto is_chosen = [chosen](std::string_view one) { return http::same_name(one, chosen); };
  if (!chosen.empty() && std::ranges::none_of(how.subprotocols, is_chosen)) {
    return violation("unexpected Sec-WebSocket-Protocol from server: " + http::quote(chosen));
  }
  return nullptr;
}

std::pair<conn, error> take(const http::response& a, const std::string& key, const dial_options& how) {
  if (error wrong = check_answer(a, key, how)) {
    return {nullptr, std::move(wrong)};
  }
  const auto terms = answered_deflate(a.header, how.compression, how.compression_threshold);
  if (!terms) {
    return {nullptr,
            violation("unsupported extensions from server: " + http::quote(a.header.get("Sec-WebSocket-Extensions")))};
  }
  const net::conn* const taken = a.body.as<net::conn>();
  if (taken == nullptr) {
    return {nullptr, errors::make("response body is not a net::conn")};
  }
  settled all{
      .side = side::client, .deflate = *terms, .subprotocol = std::string(a.header.get("Sec-WebSocket-Protocol"))};
  auto [over, ahead] = http::take_apart(*taken);
  return {make_conn(std::move(over), std::move(all), std::move(ahead)), nullptr};
}

std::pair<conn, error> shake(const context::context& ctx, std::string_view url, const dial_options& how) {
  auto [r, err] = request_to(ctx, url);
  if (err) {
    return {nullptr, std::move(err)};
  }
  const std::string key = random_key();
  add_fields(r, how, key);
  auto [a, send_err] = following(how.http_client).do_(r);
  if (send_err) {
    return {nullptr, errors::wrap(std::move(send_err), "failed to send handshake request")};
  }
  auto made = take(a, key, how);
  if (made.second) {
    a.body.close();
  }
  return made;
}

}  // namespace

std::string handshake_error::text() const {
  return "expected handshake response status code 101 but got " + std::to_string(status_);
}

std::pair<conn, error> dial(const context::context& ctx, std::string_view url, const dial_options& how) {
  auto [made, err] = shake(ctx, url, how);
  return {std::move(made), errors::wrap(std::move(err), "failed to WebSocket dial")};
}

}  // namespace gossamer::inline v0::ws
