#include <array>
#include <chrono>
#include <mutex>

#include "gossamer/errors.hpp"
#include "gossamer/go.hpp"
#include "gossamer/io_errors.hpp"
#include "gossamer/time.hpp"
#include "http/quote.hpp"
#include "ws/close_code.hpp"
#include "ws/connection.hpp"
#include "ws/pending_ping.hpp"

namespace gossamer::inline v0::ws {

namespace {

// The payload of a close frame; an error where there is none such.
std::pair<std::string, error> checked_payload(status_code code, std::string_view reason) {
  if (code == status_code::no_status_rcvd) {
    return {};
  }
  if (reason.size() > most_reason_bytes) {
    return {{},
            errors::make("failed to marshal close frame: reason string max is ", most_reason_bytes, " but got ",
                         http::quote(reason), " with length ", reason.size())};
  }
  if (!is_sendable(code)) {
    return {{}, errors::make("failed to marshal close frame: status code ", code_name(code), " cannot be set")};
  }
  return {close_payload(code, reason), nullptr};
}

}  // namespace

// Closes, for all. False if it was closed.
bool connection::drop(bool at_once) {
  closing_.store(true);
  if (closed_.exchange(true)) {
    return false;
  }
  if (at_once) {
    cut_off(net_);
  } else {
    net_.close();
  }
  const std::lock_guard hold(guard_);
  changed_.broadcast();
  return true;
}

error connection::close_now() {
  return drop(true) ? error() : errors::wrap(net::closed, "failed to immediately close WebSocket");
}

error connection::close(status_code code, std::string_view reason) {
  if (closing_.exchange(true)) {
    std::unique_lock hold(guard_);
    changed_.wait(hold, [this] { return closed_.load(); });
    return errors::wrap(net::closed, "failed to close WebSocket");
  }
  error err = close_handshake(code, reason);
  drop(static_cast<bool>(err));
  return errors::wrap(std::move(err), "failed to close WebSocket");
}

error connection::close_handshake(status_code code, std::string_view reason) {
  const net::time_point until = time::now() + control_patience;
  const auto [payload, wrong] = checked_payload(code, reason);
  if (wrong) {
    return wrong;
  }
  error err = out_->send_close(payload, until);
  if (!err) {
    err = await_close(until);
  }
  return close_status(err) == code ? error() : err;
}

// Somebody who reads may have seen it; else reads until it comes.
error connection::await_close(net::time_point until) {
  if (!read_turn_.try_lock_until(until)) {
    return os::deadline_exceeded;
  }
  const std::unique_lock turn(read_turn_, std::adopt_lock);
  if (error err = over()) {
    return err;
  }
  net_.set_read_deadline(until);
  const input::lent room(in_);
  std::array<std::byte, 512> lost_bytes;
  for (;;) {
    while (message_.left > 0) {
      if (const auto [n, err] = read_payload(lost_bytes, {}); err) {
        return err;
      }
    }
    const auto [h, err] = next_data_header({});
    if (err) {
      return err;
    }
    message_.frame = h;
    message_.left = h.length;
  }
}

context::context connection::close_read(const context::context& ctx) {
  const std::lock_guard hold(guard_);
  if (close_read_) {
    return close_read_;
  }
  auto [child, cancel] = context::with_cancel(ctx);
  close_read_ = child;
  go([self = shared_from_this(), of = child, end = cancel] {
    if (!std::get<2>(self->open_reader(of))) {
      static_cast<void>(self->close(status_code::policy_violation, "unexpected data message"));
    }
    self->drop(true);
    end();
  });
  return child;
}

error connection::ping(const net::ending& end) {
  pending_ping mine;
  {
    const std::lock_guard hold(guard_);
    mine.payload = std::to_string(++last_ping_);
    mine.next = pings_;
    pings_ = &mine;
  }
  error err = out_->send({.op = opcode::ping}, std::as_bytes(std::span(mine.payload)), end);
  std::unique_lock hold(guard_);
  while (!err && !mine.is_answered) {
    if (closed_.load()) {
      err = received_ ? received_ : error(net::closed);
    } else if (!changed_.wait_until(hold, end.stop()) && !mine.is_answered && !closed_.load()) {
      err = errors::wrap(end.err(), "failed to wait for pong");
    }
  }
  pending_ping** at = &pings_;
  while (*at != &mine) {
    at = &(*at)->next;
  }
  *at = mine.next;
  return errors::wrap(std::move(err), "failed to ping");
}

}  // namespace gossamer::inline v0::ws
