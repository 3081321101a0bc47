#include "ws/handshake.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/sha1.hpp>
#include <utility>
#include <vector>

#include "gossamer/errors.hpp"
#include "http/ascii.hpp"
#include "http/base64.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_alone = "server_no_context_takeover";
constexpr std::string_view client_alone = "client_no_context_takeover";
constexpr std::string_view server_bits = "server_max_window_bits";
constexpr std::string_view client_bits = "client_max_window_bits";

// Compressing what is shorter saves nothing.
constexpr std::size_t usual_threshold = 512;
constexpr std::size_t takeover_threshold = 128;

// What one side says of permessage-deflate.
struct parameters {
  bool server_alone = false;
  bool client_alone = false;
  int server_bits = 0;  // 0: not said
  bool has_client_bits = false;
};

std::string_view unquoted(std::string_view value) noexcept {
  return value.size() >= 2 && value.front() == '"' && value.back() == '"' ? value.substr(1, value.size() - 2) : value;
}

// 8 to 15; 0 for all else.
int window_bits(std::string_view value) noexcept {
  value = unquoted(value);
  if (value.size() == 1 && (value[0] == '8' || value[0] == '9')) {
    return value[0] - '0';
  }
  return value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5' ? 10 + (value[1] - '0') : 0;
}

// False: it is none that may stand there, or stands there twice.
bool add_parameter(parameters& to, std::string_view name, std::string_view value) {
  if (name == server_alone || name == client_alone) {
    return value.empty() && !std::exchange(name == server_alone ? to.server_alone : to.client_alone, true);
  }
  if (name == server_bits) {
    return std::exchange(to.server_bits, window_bits(value)) == 0 && to.server_bits != 0;
  }
  return name == client_bits && (value.empty() || window_bits(value) != 0) && !std::exchange(to.has_client_bits, true);
}

// `permessage-deflate; NAME; NAME=VALUE`; none for another extension, or faulty ones.
std::optional<parameters> parse_extension(std::string_view text) {
  auto [name, rest] = http::cut(text, ';');
  if (!http::same_name(http::trim(name), extension_name)) {
    return std::nullopt;
  }
  parameters p;
  while (!rest.empty()) {
    const auto [one, next] = http::cut(rest, ';');
    const auto [key, value] = http::cut(one, '=');
    if (!add_parameter(p, http::trim(key), http::trim(value))) {
      return std::nullopt;
    }
    rest = next;
  }
  return p;
}

// Each extension that the fields name, in their order.
std::vector<std::string_view> extensions(const http::header& h) {
  std::vector<std::string_view> all;
  for (std::string_view list : h.values("Sec-WebSocket-Extensions")) {
    while (!list.empty()) {
      const auto [one, rest] = http::cut(list, ',');
      if (const std::string_view text = http::trim(one); !text.empty()) {
        all.push_back(text);
      }
      list = rest;
    }
  }
  return all;
}

deflate_terms terms_of(compression_mode mode, std::size_t threshold) {
  const bool takes_over = mode == compression_mode::context_takeover;
  const std::size_t usual = takes_over ? takeover_threshold : usual_threshold;
  return {.on = true,
          .own_takeover = takes_over,
          .peer_takeover = takes_over,
          .threshold = threshold != 0 ? threshold : usual};
}

}  // namespace

std::string accept_key(std::string_view key) {
  constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  boost::beast::detail::sha1_context ctx;
  boost::beast::detail::init(ctx);
  boost::beast::detail::update(ctx, key.data(), key.size());
  boost::beast::detail::update(ctx, guid.data(), guid.size());
  std::array<char, boost::beast::detail::sha1_context::digest_size> digest;
  boost::beast::detail::finish(ctx, digest.data());
  return http::encode_base64({digest.data(), digest.size()});
}

error violation(std::string_view why) { return errors::make("WebSocket protocol violation: ", why); }

bool may_be_sent(std::string_view name) {
  constexpr std::array<std::string_view, 6> own{"Connection",     "Content-Length",    "Host",
                                                "Sec-Websocket-", "Transfer-Encoding", "Upgrade"};
  return http::is_token(name) && std::ranges::none_of(own, [name](std::string_view o) {
           return http::same_name(o.ends_with('-') ? name.substr(0, o.size()) : name, o);
         });
}

agreed_deflate accept_deflate(const http::header& asked, compression_mode mode, std::size_t threshold) {
  if (mode == compression_mode::disabled) {
    return {};
  }
  for (const std::string_view offer : extensions(asked)) {
    const auto p = parse_extension(offer);
    if (!p || p->server_bits == 8) {  // zlib has no window so small
      continue;
    }
    agreed_deflate all{terms_of(mode, threshold), std::string(extension_name)};
    all.terms.own_takeover = all.terms.own_takeover && !p->server_alone;
    all.terms.peer_takeover = all.terms.peer_takeover && !p->client_alone;
    const auto say = [&all](std::string_view what) { all.answer.append("; ").append(what); };
    if (!all.terms.own_takeover) {
      say(server_alone);
    }
    if (!all.terms.peer_takeover) {
      say(client_alone);
    }
    if (p->server_bits != 0) {
      all.terms.own_window_bits = p->server_bits;
      say(std::string(server_bits) + "=" + std::to_string(p->server_bits));
    }
    return all;
  }
  return {};
}

std::string offer_deflate(compression_mode mode) {
  if (mode == compression_mode::disabled) {
    return {};
  }
  std::string offer(extension_name);
  if (mode == compression_mode::no_context_takeover) {
    offer.append("; ").append(client_alone).append("; ").append(server_alone);
  }
  return offer;
}

std::optional<deflate_terms> answered_deflate(const http::header& answer, compression_mode mode,
                                              std::size_t threshold) {
  const auto all = extensions(answer);
  if (all.empty()) {
    return deflate_terms();
  }
  const auto p = all.size() == 1 && mode != compression_mode::disabled ? parse_extension(all[0]) : std::nullopt;
  if (!p || p->has_client_bits) {  // which was not offered
    return std::nullopt;
  }
  deflate_terms terms = terms_of(mode, threshold);
  terms.own_takeover = terms.own_takeover && !p->client_alone;
  terms.peer_takeover = !p->server_alone;
  return terms;
}

}  // namespace gossamer::inline v0::ws
