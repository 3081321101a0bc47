#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "gossamer/http/test_server.hpp"
#include "gossamer/io_errors.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"
#include "http/memory_conn.hpp"

namespace gossamer::inline v0::http::test {

// Addresses are those that are set aside for documentation, RFC 5737.
struct network_state {
  sync::mutex lock;
  // Under the lock.
  std::deque<net::conn> waiting;  // to be accepted
  bool closed = false;
  net::time_point until = net::never;
  std::uint16_t last_port = 1023;
  sync::cond changed;

  const net::addr at = net::tcp_addr{net::ip(192, 0, 2, 1), 80};
};

namespace {

class memory_listener final : public net::listener_interface {
 public:
  explicit memory_listener(std::shared_ptr<network_state> of) noexcept : of_(std::move(of)) {}

  std::pair<net::conn, gossamer::error> accept(const net::ending& end, std::source_location where) override {
    const std::lock_guard hold(of_->lock);
    for (;;) {
      if (of_->closed) {
        return {nullptr, fail("accept", net::closed)};
      }
      if (end.stop().is_set()) {
        return {nullptr, fail("accept", end.err())};
      }
      if (of_->until != net::never && time::now() >= of_->until) {
        return {nullptr, fail("accept", os::deadline_exceeded)};
      }
      if (!of_->waiting.empty()) {
        net::conn c = std::move(of_->waiting.front());
        of_->waiting.pop_front();
        return {std::move(c), nullptr};
      }
      of_->changed.wait_until(of_->lock, {of_->until, end.stop()}, where);
    }
  }

  gossamer::error close() override {
    std::deque<net::conn> never_accepted;
    {
      const std::lock_guard hold(of_->lock);
      if (std::exchange(of_->closed, true)) {
        return fail("close", net::closed);
      }
      never_accepted.swap(of_->waiting);
      of_->changed.broadcast();
    }
    for (const net::conn& c : never_accepted) {
      c.close();
    }
    return nullptr;
  }

  gossamer::error set_deadline(net::time_point when) override {
    const std::lock_guard hold(of_->lock);
    if (of_->closed) {
      return fail("set", net::closed);
    }
    of_->until = when;
    of_->changed.broadcast();
    return nullptr;
  }

  net::addr addr() const override { return of_->at; }

 private:
  gossamer::error fail(const char* op, const gossamer::error& err) const {
    return net::op_error(op, "tcp", nullptr, of_->at, err);
  }

  const std::shared_ptr<network_state> of_;
};

}  // namespace

network::network() : state_(std::make_shared<network_state>()), listener_(new memory_listener(state_)) {}

std::pair<net::conn, gossamer::error> network::dial() const {
  const std::lock_guard hold(state_->lock);
  if (state_->closed) {
    return {nullptr, net::op_error("dial", "tcp", nullptr, state_->at, os::syscall_error("connect", ECONNREFUSED))};
  }
  state_->last_port = std::max<std::uint16_t>(1024, static_cast<std::uint16_t>(state_->last_port + 1));
  auto [client, served] = memory_pipe_between(net::tcp_addr{net::ip(192, 0, 2, 2), state_->last_port}, state_->at);
  state_->waiting.push_back(std::move(served));
  state_->changed.signal();
  return {std::move(client), nullptr};
}

}  // namespace gossamer::inline v0::http::test
