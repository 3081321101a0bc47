#include "gossamer/http/transport.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/http/client_trace.hpp"
#include "gossamer/net.hpp"
#include "http/client/body_length.hpp"
#include "http/client/exchange.hpp"
#include "http/client/request_check.hpp"
#include "http/client/traced.hpp"
#include "http/client/transport_state.hpp"

namespace gossamer::inline v0::http {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t default_header_bytes = std::int64_t{10} << 20;
constexpr int default_idle_per_host = 2;

std::size_t limit_of(int n) { return static_cast<std::size_t>(std::max(n, 0)); }

pool_limits limits_of(const transport& t) {
  return {.keeps = !t.disable_keep_alives && t.max_idle_conns_per_host >= 0 && t.max_idle_conns >= 0,
          .idle = limit_of(t.max_idle_conns),
          .idle_per_host = limit_of(t.max_idle_conns_per_host != 0 ? t.max_idle_conns_per_host : default_idle_per_host),
          .per_host = limit_of(t.max_conns_per_host),
          .idle_time = t.idle_conn_timeout};
}

std::int64_t header_bytes_of(const transport& t) {
  return t.max_response_header_bytes > 0 ? t.max_response_header_bytes : default_header_bytes;
}

// The same request may be sent twice: it means the same, and its body can be had again. Source: Go's isReplayable.
bool is_replayable(const request& r) {
  if (has_body_to_send(r) && !r.get_body) {
    return false;
  }
  const std::string& m = r.method;
  return m.empty() || m == "GET" || m == "HEAD" || m == "OPTIONS" || m == "TRACE" || r.header.has("Idempotency-Key") ||
         r.header.has("X-Idempotency-Key");
}

// Source: Go's shouldRetryRequest.
bool is_sent_again(const request& r, const exchange& failed) {
  if (!failed.was_reused()) {
    return false;
  }
  if (failed.wrote_nothing()) {
    return !has_body_to_send(r) || r.get_body;
  }
  return failed.got_nothing() && is_replayable(r);
}

}  // namespace

transport_state::transport_state(const transport& t)
    : proxy(t.proxy),
      rules{.disable_keep_alives = t.disable_keep_alives,
            .disable_compression = t.disable_compression,
            .response_header_timeout = t.response_header_timeout,
            .expect_continue_timeout = t.expect_continue_timeout,
            .max_response_header_bytes = header_bytes_of(t)},
      conns(std::make_shared<pool>(
          limits_of(t),
          [makes = std::make_shared<connector>(connector_settings{.dial_context = t.dial_context,
                                                                  .dial_tls_context = t.dial_tls_context,
                                                                  .tls_client_config = t.tls_client_config,
                                                                  .tls_handshake_timeout = t.tls_handshake_timeout,
                                                                  .proxy_connect_header = t.proxy_connect_header,
                                                                  .max_response_header_bytes = header_bytes_of(t)})](
              const connect_method& how, const context::context& ctx) -> pool::made {
            auto [made, err] = makes->make(how, ctx);
            if (err) {
              return {nullptr, std::move(err)};
            }
            return {std::make_unique<persistent_conn>(std::move(made)), nullptr};
          })) {}

std::pair<lent_conn, gossamer::error> transport_state::connect(const request& r, const client_trace* trace) {
  std::optional<url> through;
  if (proxy) {
    auto [p, err] = proxy(r);
    if (err) {
      return {lent_conn(), std::move(err)};
    }
    through = std::move(p);
  }
  const connect_method how(r.url, std::move(through));
  tell(trace, &client_trace::get_conn, how.address());
  auto [c, err] = conns->take(how, r.context());
  if (!err && trace != nullptr && trace->got_conn) {
    trace->got_conn({.conn = c->conn(),
                     .reused = c->is_reused,
                     .was_idle = c->was_idle,
                     .idle_time = c->was_idle ? time::since(c->idle_since) : time::duration(0)});
  }
  return {std::move(c), std::move(err)};
}

round_trip_result transport_state::round_trip(const request& r) {
  const client_trace* const trace = context_client_trace(r.context());
  std::optional<request> again;
  for (const request* sent = &r;;) {
    gossamer::error err = r.context().err() ? context::cause(r.context()) : nullptr;
    lent_conn c;
    if (!err) {
      std::tie(c, err) = connect(*sent, trace);
    }
    if (err) {
      static_cast<void>(sent->body.close());
      return {response(), std::move(err)};
    }
    exchange x(*sent, rules, trace, std::move(c));
    round_trip_result got = x.run();
    if (!got.second || !is_sent_again(*sent, x)) {
      return got;
    }
    if (has_body_to_send(*sent)) {
      auto [body, body_err] = r.get_body();
      if (body_err) {
        return {response(), std::move(body_err)};
      }
      again = r;
      again->body = std::move(body);
      sent = &*again;
    }
  }
}

transport::transport() : state_(std::make_unique<transport_once>()) {}

transport::~transport() {
  if (state_->state) {
    state_->state->conns->shut();
  }
}

transport_state& transport_once::of(const transport& t) {
  begun.do_([&] { made.store(&state.emplace(t), std::memory_order_release); });
  return *state;
}

round_trip_result transport::round_trip(const request& r) {
  if (gossamer::error err = check_request(r)) {
    static_cast<void>(r.body.close());
    return {response(), std::move(err)};
  }
  return state_->of(*this).round_trip(r);
}

void transport::close_idle_connections() {
  if (transport_state* const s = state_->made.load(std::memory_order_acquire)) {
    s->conns->close_idle();
  }
}

std::shared_ptr<transport> transport::clone() const {
  auto t = std::make_shared<transport>();
  t->proxy = proxy;
  t->dial_context = dial_context;
  t->dial_tls_context = dial_tls_context;
  t->tls_client_config = tls_client_config;
  t->tls_handshake_timeout = tls_handshake_timeout;
  t->disable_keep_alives = disable_keep_alives;
  t->disable_compression = disable_compression;
  t->max_idle_conns = max_idle_conns;
  t->max_idle_conns_per_host = max_idle_conns_per_host;
  t->max_conns_per_host = max_conns_per_host;
  t->idle_conn_timeout = idle_conn_timeout;
  t->response_header_timeout = response_header_timeout;
  t->expect_continue_timeout = expect_continue_timeout;
  t->proxy_connect_header = proxy_connect_header;
  t->max_response_header_bytes = max_response_header_bytes;
  return t;
}

const std::shared_ptr<transport>& default_transport() {
  static const auto* const lasting = new std::shared_ptr<transport>([] {
    auto t = std::make_shared<transport>();
    t->proxy = proxy_from_environment;
    t->dial_context = [](const net::ending& end, std::string_view network, std::string_view address) {
      return net::dialer{.timeout = 30s, .keep_alive = 30s}.dial_context(end, network, address);
    };
    t->max_idle_conns = 100;
    t->idle_conn_timeout = 90s;
    t->tls_handshake_timeout = 10s;
    t->expect_continue_timeout = 1s;
    return t;
  }());
  return *lasting;
}

}  // namespace gossamer::inline v0::http
