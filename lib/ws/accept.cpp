#include "gossamer/ws/accept.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "gossamer/errors.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/status.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/time.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/cut.hpp"
#include "http/field_lists.hpp"
#include "http/hijacked_conn.hpp"
#include "http/quote.hpp"
#include "ws/connection.hpp"
#include "ws/handshake.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr std::size_t key_bytes = 16;
// No host is longer; matching would take its time.
constexpr std::size_t most_matched = 512;

// Why a request is refused, and with which status.
struct refusal {
  int status;
  error why;
};

void ask_for_upgrade(http::response_writer& w) {
  w.header().set("Connection", "Upgrade");
  w.header().set("Upgrade", "websocket");
}

std::optional<refusal> check_upgrade(http::response_writer& w, const http::request& r) {
  const auto lacks = [&](std::string_view name, std::string_view token) {
    ask_for_upgrade(w);
    return refusal{http::status_upgrade_required,
                   violation(std::string(name) + " header " + http::quote(r.header.get(name)) + " does not contain " +
                             std::string(token))};
  };
  if (!r.proto_at_least(1, 1)) {
    return refusal{http::status_upgrade_required,
                   violation("handshake request must be at least HTTP/1.1: " + http::quote(r.proto))};
  }
  if (!http::lists_token(r.header, "Connection", "Upgrade")) {
    return lacks("Connection", "Upgrade");
  }
  if (!http::lists_token(r.header, "Upgrade", "websocket")) {
    return lacks("Upgrade", "websocket");
  }
  if (r.method != "GET") {
    return refusal{http::status_method_not_allowed,
                   violation("handshake request method is not GET but " + http::quote(r.method))};
  }
  return std::nullopt;
}

std::optional<refusal> check_key(http::response_writer& w, const http::request& r) {
  const auto bad = [](error why) { return refusal{http::status_bad_request, std::move(why)}; };
  if (const std::string_view version = r.header.get("Sec-WebSocket-Version"); version != "13") {
    w.header().set("Sec-WebSocket-Version", "13");
    return bad(errors::make("unsupported WebSocket protocol version (only 13 is supported): ", http::quote(version)));
  }
  const auto keys = r.header.values("Sec-WebSocket-Key");
  if (keys.size() != 1) {
    return bad(violation(keys.empty() ? "missing Sec-WebSocket-Key" : "multiple Sec-WebSocket-Key headers"));
  }
  const auto bytes = http::decode_base64(http::trim(keys[0]));
  if (!bytes || bytes->size() != key_bytes) {
    return bad(
        violation("invalid Sec-WebSocket-Key " + http::quote(keys[0]) + ", must be a 16 byte base64 encoded string"));
  }
  return std::nullopt;
}

// `*`: any number of characters that are no slash; `?`: one.
bool matches(std::string_view pattern, std::string_view text) {
  for (; !pattern.empty() && pattern[0] != '*'; pattern.remove_prefix(1), text.remove_prefix(1)) {
    if (text.empty() || (pattern[0] == '?' ? text[0] == '/' : http::lower(pattern[0]) != http::lower(text[0]))) {
      return false;
    }
  }
  if (pattern.empty()) {
    return text.empty();
  }
  while (pattern.starts_with("**")) {
    pattern.remove_prefix(1);
  }
  pattern.remove_prefix(1);
  for (;; text.remove_prefix(1)) {
    if (matches(pattern, text)) {
      return true;
    }
    if (text.empty() || text[0] == '/') {
      return false;
    }
  }
}

std::optional<refusal> check_origin(const http::request& r, const std::vector<std::string>& patterns) {
  const std::string_view origin = r.header.get("Origin");
  if (origin.empty()) {
    return std::nullopt;
  }
  const auto forbidden = [](error why) { return refusal{http::status_forbidden, std::move(why)}; };
  const auto [u, err] = http::parse_url(origin);
  if (err) {
    return forbidden(errors::wrap(err, "failed to parse Origin header ", http::quote(origin)));
  }
  const auto is_meant = [&host = u.host, &scheme = u.scheme](std::string_view p) {
    return matches(p, p.find("://") != p.npos ? scheme + "://" + host : host);
  };
  if (http::same_name(u.host, r.host) || (u.host.size() <= most_matched && std::ranges::any_of(patterns, is_meant))) {
    return std::nullopt;
  }
  return forbidden(
      u.host.empty()
          ? errors::make("request Origin ", http::quote(origin), " is not a valid URL with a host")
          : errors::make("request Origin ", http::quote(origin), " is not authorized for Host ", http::quote(r.host)));
}

// The server's first that the client has as well.
std::string choose_subprotocol(const http::request& r, const std::vector<std::string>& own) {
  for (const std::string& one : own) {
    if (http::lists_token(r.header, "Sec-WebSocket-Protocol", one)) {
      return one;
    }
  }
  return {};
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ");
  std::ranges::transform(value, std::back_inserter(to), [](char c) { return c == '\r' || c == '\n' ? ' ' : c; });
  to += "\r\n";
}

std::string answer_to(const http::request& r, const http::header& own, const std::string& subprotocol,
                      const std::string& extension) {
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  append_field(head, "Sec-WebSocket-Accept", accept_key(http::trim(r.header.get("Sec-WebSocket-Key"))));
  if (!subprotocol.empty()) {
    append_field(head, "Sec-WebSocket-Protocol", subprotocol);
  }
  if (!extension.empty()) {
    append_field(head, "Sec-WebSocket-Extensions", extension);
  }
  for (const http::header::field& f : own) {
    if (may_be_sent(f.name)) {
      append_field(head, f.name, f.value);
    }
  }
  return head + "\r\n";
}

error refuse(http::response_writer& w, const refusal& why) {
  http::error(w, why.why.text(), why.status);
  return errors::wrap(why.why, "failed to accept WebSocket connection");
}

}  // namespace

std::pair<conn, error> accept(http::response_writer& w, http::request& r, const accept_options& how) {
  std::optional<refusal> wrong = check_upgrade(w, r);
  if (!wrong) {
    wrong = check_key(w, r);
  }
  if (!wrong && !how.insecure_skip_verify) {
    wrong = check_origin(r, how.origin_patterns);
  }
  if (wrong) {
    return {nullptr, refuse(w, *wrong)};
  }
  agreed_deflate deflate = accept_deflate(r.header, how.compression, how.compression_threshold);
  settled all{.side = side::server, .deflate = deflate.terms, .subprotocol = choose_subprotocol(r, how.subprotocols)};
  const std::string head = answer_to(r, w.header(), all.subprotocol, deflate.answer);
  auto [taken, err] = http::response_controller(w).hijack();
  if (err) {
    http::error(w, http::status_text(http::status_not_implemented), http::status_not_implemented);
    return {nullptr,
            errors::wrap(std::move(err), "failed to accept WebSocket connection: failed to hijack connection")};
  }
  auto [c, ahead] = http::take_apart(taken);
  c.set_write_deadline(time::now() + control_patience);
  err = c.write(head).second;
  c.set_write_deadline(nullptr);
  if (err) {
    c.close();
    return {nullptr, errors::wrap(std::move(err), "failed to accept WebSocket connection")};
  }
  return {make_conn(std::move(c), std::move(all), std::move(ahead)), nullptr};
}

}  // namespace gossamer::inline v0::ws
