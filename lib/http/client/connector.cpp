#include "http/client/connector.hpp"

#include <algorithm>
#include <mutex>
#include <tuple>

#include "gossamer/errors.hpp"
#include "gossamer/http/client_trace.hpp"
#include "gossamer/net.hpp"
#include "http/client/request_writer.hpp"
#include "http/client/traced.hpp"
#include "http/cut.hpp"
#include "http/cut_now.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel scheme_mismatch{"http: server gave HTTP response to HTTPS client"};

namespace {

constinit const errors::sentinel handshake_timeout{"net/http: TLS handshake timeout", true};

// A proxy that has said nothing for so long will say nothing.
constexpr auto tunnel_limit = std::chrono::minutes(1);
// Whoever asks that many servers does not ask them often.
constexpr std::size_t most_configs = 256;

// Of what failed on the way to the proxy, or at its hands.
gossamer::error name_proxy(const connect_method& to, gossamer::error err) {
  return err && to.proxy() ? gossamer::error(net::op_error("proxyconnect", "tcp", nullptr, nullptr, std::move(err)))
                           : err;
}

constinit const errors::sentinel dialed_nothing{"net/http: Transport.DialContext hook returned (nil, nil)"};
constinit const errors::sentinel dialed_no_tls{"net/http: Transport.DialTLS or DialTLSContext returned (nil, nil)"};

bool speaks_http(const gossamer::error& err) {
  const auto* const other = errors::as<tls::record_header_error>(err);
  return other != nullptr &&
         std::ranges::equal(other->record_header(), std::string_view("HTTP/"),
                            [](std::uint8_t a, char b) { return a == static_cast<unsigned char>(b); });
}

}  // namespace

std::pair<made_conn, gossamer::error> connector::make(const connect_method& to, const context::context& ctx) {
  made_conn c;
  gossamer::error err;
  if (to.proxy() && to.first_scheme() != "http" && to.first_scheme() != "https") {
    err = name_proxy(to, errors::make("unsupported proxy scheme \"", to.first_scheme(), "\""));
  } else {
    err = name_proxy(to, reach_first(to, ctx, c));
  }
  if (!err && to.has_forwarding_proxy()) {
    c.to_proxy = true;
    c.proxy_authorization = to.proxy_authorization();
  }
  if (!err && to.has_tunnel()) {
    err = open_tunnel(to, ctx, c);
    err = err ? err : add_tls(host_of(to.address()), ctx, c);
  }
  if (err) {
    cut_now(c.conn);
    return {made_conn(), std::move(err)};
  }
  return {std::move(c), nullptr};
}

gossamer::error connector::reach_first(const connect_method& to, const context::context& ctx, made_conn& c) {
  const std::string address = to.first_address();
  if (to.first_scheme() != "https") {
    return dial(address, ctx, c);
  }
  if (how_.dial_tls_context) {
    gossamer::error err;
    std::tie(c.conn, err) = how_.dial_tls_context(ctx, "tcp", address);
    err = err || c.conn ? err : gossamer::error(dialed_no_tls);
    return err || !tls::is_tls(c.conn) ? err : shake_hands(ctx, c);
  }
  const gossamer::error err = dial(address, ctx, c);
  return err ? err : add_tls(host_of(address), ctx, c);
}

gossamer::error connector::dial(const std::string& address, const context::context& ctx, made_conn& c) const {
  const client_trace* const trace = context_client_trace(ctx);
  tell(trace, &client_trace::connect_start, "tcp", address);
  gossamer::error err;
  std::tie(c.conn, err) =
      how_.dial_context ? how_.dial_context(ctx, "tcp", address) : net::dialer().dial_context(ctx, "tcp", address);
  err = err || c.conn ? err : gossamer::error(dialed_nothing);
  tell(trace, &client_trace::connect_done, "tcp", address, err);
  return err;
}

gossamer::error connector::add_tls(std::string_view host, const context::context& ctx, made_conn& c) {
  c.conn = tls::client(c.conn, config_for(host));
  return shake_hands(ctx, c);
}

gossamer::error connector::shake_hands(const context::context& ctx, made_conn& c) const {
  const client_trace* const trace = context_client_trace(ctx);
  tell(trace, &client_trace::tls_handshake_start);
  gossamer::error err;
  if (how_.tls_handshake_timeout.count() > 0) {
    const auto [limited, cancel] = context::with_timeout_cause(ctx, how_.tls_handshake_timeout, handshake_timeout);
    err = tls::handshake(c.conn, limited);
    if (err && context::cause(limited) == handshake_timeout) {
      err = handshake_timeout;
    }
    cancel();
  } else {
    err = tls::handshake(c.conn, ctx);
  }
  if (speaks_http(err)) {
    err = scheme_mismatch;
  }
  auto state = std::make_shared<const tls::connection_state>(tls::state_of(c.conn));
  tell(trace, &client_trace::tls_handshake_done, *state, err);
  if (!err) {
    c.tls = std::move(state);
  }
  return err;
}

std::shared_ptr<const tls::config> connector::config_for(std::string_view host) {
  if (how_.tls_client_config && !how_.tls_client_config->server_name.empty()) {
    return how_.tls_client_config;
  }
  const std::lock_guard hold(lock_);
  if (const auto known = configs_.find(host); known != configs_.end()) {
    return known->second;
  }
  auto named =
      how_.tls_client_config ? std::make_shared<tls::config>(*how_.tls_client_config) : std::make_shared<tls::config>();
  named->server_name = host;
  if (configs_.size() >= most_configs) {
    configs_.clear();
  }
  configs_.emplace(host, named);
  return named;
}

// The server behind the tunnel says nothing before it is spoken to: what the proxy has sent behind its answer is no
// part of it.
gossamer::error connector::open_tunnel(const connect_method& to, const context::context& ctx, made_conn& c) const {
  const auto [limited, cancel] = context::with_timeout(ctx, tunnel_limit);
  request ask;
  ask.method = "CONNECT";
  ask.url.opaque = to.address();
  ask.host = to.address();
  ask.header = how_.proxy_connect_header;
  if (const std::string who = to.proxy_authorization(); !who.empty()) {
    ask.header.set("Proxy-Authorization", who);
  }
  std::string buffer;
  gossamer::error err = request_writer(ask, head_options(), buffer).write_head(c.conn, limited);
  response answer;
  if (!err) {
    input in(c.conn);
    err = response_reader(in).read_head(answer, true, how_.max_response_header_bytes, nullptr, limited);
  }
  if (err && limited.err()) {
    err = limited.err();
  }
  err = err == io::eof ? gossamer::error(io::unexpected_eof) : err;
  cancel();
  c.tls = nullptr;  // the proxy's, if any
  if (err || answer.status_code == 200) {
    return err;
  }
  const std::string_view text = cut(answer.status, ' ').second;
  return text.empty() ? errors::make("unknown status code") : errors::make(text);
}

}  // namespace gossamer::inline v0::http
