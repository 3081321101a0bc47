#include "gossamer/http/test_server.hpp"

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/http/transport.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/sync/wait_group.hpp"

namespace gossamer::inline v0::http::test {

struct server_calls {
  struct entry {
    net::conn conn;
    bool busy = false;
  };
  sync::mutex lock;
  // Under the lock.
  std::vector<entry> conns;
  bool closing = false;
  bool closed = false;
  sync::wait_group serving;

  void note(const net::conn& c, http::conn_state to) {
    const std::lock_guard hold(lock);
    auto at = std::ranges::find(conns, c, &entry::conn);
    if (to == http::conn_state::closed || to == http::conn_state::hijacked) {
      if (at != conns.end()) {
        conns.erase(at);
      }
      return;
    }
    if (at == conns.end()) {
      at = conns.insert(conns.end(), {c});
    }
    at->busy = to == http::conn_state::active;
    if (closing && !at->busy) {
      c.close();
    }
  }

  // Those that no request is on; or all.
  void end_conns(bool busy_too) {
    std::vector<net::conn> ended;
    {
      const std::lock_guard hold(lock);
      for (const entry& e : conns) {
        if (busy_too || !e.busy) {
          ended.push_back(e.conn);
        }
      }
    }
    for (const net::conn& c : ended) {
      c.close();
    }
  }
};

server::server(http::handler h) : server(std::move(h), not_started()) { start(); }

server::server(http::handler h, not_started)
    : calls_(std::make_shared<server_calls>()), transport_(std::make_shared<http::transport>()) {
  transport_->dial_context = [to = network_](const net::ending&, std::string_view, std::string_view) {
    return to.dial();
  };
  client_.transport = transport_;
  config.handler =
      h ? std::move(h)
        : http::handler([](response_writer& w, request&) { w.write_header(status_internal_server_error); });
}

server::~server() { close(); }

void server::start() {
  config.conn_state = [calls = calls_, own = std::move(config.conn_state)](const net::conn& c, http::conn_state to) {
    calls->note(c, to);
    if (own) {
      own(c, to);
    }
  };
  calls_->serving.go([this] { static_cast<void>(config.serve(network_.listener())); });
}

net::conn server::dial() const {
  auto [c, err] = network_.dial();
  if (err) {
    // Closed: so is what it gives.
    auto [closed, other] = memory_pipe();
    closed.close();
    return closed;
  }
  return c;
}

void server::close() {
  {
    const std::lock_guard hold(calls_->lock);
    calls_->closing = true;
    if (std::exchange(calls_->closed, true)) {
      return;
    }
  }
  network_.listener().close();
  config.set_keep_alives_enabled(false);
  calls_->end_conns(false);
  transport_->close_idle_connections();
  static_cast<void>(config.shutdown(context::background()));
  calls_->serving.wait();
}

void server::close_client_connections() { calls_->end_conns(true); }

}  // namespace gossamer::inline v0::http::test
