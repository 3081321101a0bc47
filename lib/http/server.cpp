#include "gossamer/http/server.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "gossamer/defer.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/go.hpp"
#include "gossamer/http/serve_mux.hpp"
#include "gossamer/net/dial.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/time.hpp"
#include "gossamer/tls.hpp"
#include "http/connection.hpp"
#include "http/server_state.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel server_closed{"http: Server closed"};
constinit const errors::sentinel abort_handler{"net/http: abort Handler"};

namespace {

constexpr std::size_t default_header_bytes = 1 << 20;
constexpr std::size_t default_header_values = 500;
// How long a connection may say nothing before it counts as idle, as in Go.
constexpr std::chrono::seconds time_to_begin{5};

}  // namespace

bool server_state::enter(conn_record& r) {
  const std::lock_guard hold(lock);
  if (in_shutdown.load(std::memory_order_relaxed)) {
    return false;
  }
  r.next = first;
  if (first != nullptr) {
    first->previous = &r;
  }
  first = &r;
  conns++;
  return true;
}

void server_state::leave(conn_record& r) {
  const std::lock_guard hold(lock);
  (r.previous != nullptr ? r.previous->next : first) = r.next;
  if (r.next != nullptr) {
    r.next->previous = r.previous;
  }
  conns--;
  changed.broadcast();
}

std::size_t server_state::end_idle(bool all) {
  std::vector<net::conn> to_close;  // without the lock: over TLS that may wait
  std::size_t left = 0;
  {
    const std::lock_guard hold(lock);
    to_close.reserve(conns);
    const auto now = time::now();
    for (conn_record* r = first; r != nullptr; r = r->next) {
      phase was = r->at.load(std::memory_order_seq_cst);
      const bool is_idle = was == phase::idle || (was == phase::created && now - r->since > time_to_begin);
      if (all || (is_idle && r->at.compare_exchange_strong(was, phase::ended, std::memory_order_seq_cst))) {
        to_close.push_back(r->conn);
      }
    }
    left = conns + serves;
  }
  for (const net::conn& c : to_close) {
    c.close();
  }
  return left;
}

void server_state::begin_shutdown() {
  std::vector<net::listener> to_close;
  {
    const std::lock_guard hold(lock);
    // seq_cst: see connection::await_request().
    in_shutdown.store(true, std::memory_order_seq_cst);
    to_close.swap(listeners);
  }
  for (const net::listener& l : to_close) {
    l.close();
  }
}

server::server() : state_(std::make_shared<server_state>()) {}
server::server(std::string address, http::handler h) : server() {
  addr = std::move(address);
  handler = std::move(h);
}
server::~server() = default;

gossamer::error server::listen_and_serve() {
  if (state_->in_shutdown.load(std::memory_order_acquire)) {
    return server_closed;
  }
  auto [on, err] = net::listen("tcp", addr.empty() ? ":http" : addr);
  return err ? err : serve(on);
}

std::shared_ptr<const serving> server::snapshot(const net::listener& on) {
  auto how = std::make_shared<serving>();
  how->handler = handler ? handler : http::handler(default_serve_mux());
  how->read_timeout = read_timeout;
  how->read_header_timeout = read_header_timeout;
  how->write_timeout = write_timeout;
  how->idle_timeout = idle_timeout;
  how->max_header_bytes = max_header_bytes == 0 ? default_header_bytes : std::min(max_header_bytes, SIZE_MAX / 2);
  how->max_header_value_count = max_header_value_count == 0 ? default_header_values : max_header_value_count;
  how->error_log = error_log;
  how->conn_state = conn_state;
  how->conn_context = conn_context;
  how->general_options = !disable_general_options_handler;
  const context::context base = base_context ? base_context(on) : context::background();
  if (!base) {
    panic("BaseContext returned a nil context");
  }
  how->base = context::with_value(base, server_context_key, this);
  how->state = state_;
  return how;
}

gossamer::error server::serve(const net::listener& on) {
  const std::shared_ptr<const serving> how = snapshot(on);
  const std::shared_ptr<server_state> s = state_;
  {
    const std::lock_guard hold(s->lock);
    if (s->in_shutdown.load(std::memory_order_relaxed)) {
      on.close();
      return server_closed;
    }
    s->listeners.push_back(on);
    s->serves++;
  }
  defer leave{[&] {
    on.close();
    const std::lock_guard hold(s->lock);
    std::erase(s->listeners, on);
    s->serves--;
    s->changed.broadcast();
  }};
  for (;;) {
    auto [c, err] = on.accept();
    if (err) {
      if (s->in_shutdown.load(std::memory_order_acquire)) {
        return server_closed;
      }
      const auto* const op = errors::as<net::op_error>(err);
      if (op == nullptr || !op->temporary()) {
        return err;
      }
      write_log(how->error_log, "http: Accept error: " + err.text() + "; retrying");
      continue;
    }
    go([how, conn = std::move(c)]() mutable {
      detail::thrown thrown;  // no memory, not even to say so
      thrown.keep_from([&] {
        connection served(how, std::move(conn));
        served.serve();
      });
    });
  }
}

gossamer::error server::serve_tls(const net::listener& on, std::string_view cert_file, std::string_view key_file) {
  const auto config = std::make_shared<tls::config>(tls_config ? *tls_config : tls::config());
  std::erase(config->next_protos, "h2");  // is not spoken here
  if (std::ranges::find(config->next_protos, "http/1.1") == config->next_protos.end()) {
    config->next_protos.emplace_back("http/1.1");
  }
  if ((config->certificates.empty() && !config->get_certificate) || !cert_file.empty() || !key_file.empty()) {
    auto [cert, err] = tls::load_x509_key_pair(cert_file, key_file);
    if (err) {
      on.close();
      return err;
    }
    config->certificates = {std::move(cert)};
  }
  return serve(tls::new_listener(on, config));
}

gossamer::error server::listen_and_serve_tls(std::string_view cert_file, std::string_view key_file) {
  if (state_->in_shutdown.load(std::memory_order_acquire)) {
    return server_closed;
  }
  auto [on, err] = net::listen("tcp", addr.empty() ? ":https" : addr);
  return err ? err : serve_tls(on, cert_file, key_file);
}

gossamer::error server::shutdown(const context::context& ctx) {
  const std::shared_ptr<server_state> s = state_;
  s->begin_shutdown();
  std::vector<std::function<void()>> hooks;
  {
    const std::lock_guard hold(s->lock);
    hooks = s->on_shutdown;
  }
  for (const std::function<void()>& f : hooks) {
    go(f);
  }
  // One that has just been accepted counts as idle only after a while.
  constexpr std::chrono::milliseconds longest_look{500};
  for (std::chrono::milliseconds look{1}; s->end_idle(false) > 0; look = std::min(2 * look, longest_look)) {
    if (const gossamer::error err = ctx.err()) {
      return err;
    }
    std::unique_lock hold(s->lock);
    if (s->conns + s->serves > 0) {
      s->changed.wait_until(hold, {look, ctx});
    }
  }
  return nullptr;
}

// Here and in shutdown(): serve() returns while this goes on, and then its caller may destroy the server.
gossamer::error server::close() {
  const std::shared_ptr<server_state> s = state_;
  s->begin_shutdown();
  s->end_idle(true);
  return nullptr;
}

void server::register_on_shutdown(std::function<void()> f) {
  const std::lock_guard hold(state_->lock);
  state_->on_shutdown.push_back(std::move(f));
}

void server::set_keep_alives_enabled(bool on) {
  state_->keep_alives.store(on, std::memory_order_seq_cst);  // as in_shutdown
  if (!on) {
    state_->end_idle(false);
  }
}

gossamer::error listen_and_serve(std::string_view addr, http::handler h) {
  server s(std::string(addr), std::move(h));
  return s.listen_and_serve();
}

gossamer::error listen_and_serve_tls(std::string_view addr, std::string_view cert_file, std::string_view key_file,
                                     http::handler h) {
  server s(std::string(addr), std::move(h));
  return s.listen_and_serve_tls(cert_file, key_file);
}

gossamer::error serve(const net::listener& on, http::handler h) {
  server s({}, std::move(h));
  return s.serve(on);
}

}  // namespace gossamer::inline v0::http
