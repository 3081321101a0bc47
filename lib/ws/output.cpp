#include "ws/output.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

#include "gossamer/go.hpp"
#include "gossamer/time.hpp"
#include "http/cut_now.hpp"

namespace gossamer::inline v0::ws {

namespace {

// What goes out as one write, and one TLS record, is put together on the stack.
constexpr std::size_t small_bytes = 1024;
constexpr std::size_t piece_bytes = std::size_t{16} << 10U;

std::string_view text_of(std::span<const std::byte> s) noexcept {
  return {reinterpret_cast<const char*>(s.data()), s.size()};
}
std::span<const std::byte> bytes_of(std::string_view s) noexcept { return std::as_bytes(std::span(s)); }

// A payload, masked if there is a key.
void copy_payload(std::byte* to, std::span<const std::byte> from, const mask_key* key, std::uint64_t at) noexcept {
  if (key != nullptr) {
    copy_masked(to, from, *key, at);
  } else if (!from.empty()) {
    std::memcpy(to, from.data(), from.size());
  }
}

// Under the turn no other write has a deadline.
class write_limit {
 public:
  write_limit(const net::conn& c, net::time_point until) : c_(c) { c.set_write_deadline(until); }
  write_limit(const write_limit&) = delete;
  write_limit& operator=(const write_limit&) = delete;
  ~write_limit() { c_.set_write_deadline(nullptr); }

 private:
  const net::conn& c_;
};

}  // namespace

void cut_off(const net::conn& c) {
  http::cut_now(c);
  c.close();
}

error output::send(frame_header h, std::span<const std::byte> payload, const net::ending& end) {
  if (!turn_.try_lock_until(end.stop())) {
    return end.err();
  }
  const std::unique_lock turn(turn_, std::adopt_lock);
  return has_closed() ? error(net::closed) : put(h, payload, end);
}

error output::send_close(std::string_view payload, net::time_point until) {
  if (!turn_.try_lock_until(until)) {
    return os::deadline_exceeded;
  }
  const std::unique_lock turn(turn_, std::adopt_lock);
  if (has_closed()) {
    return nullptr;
  }
  const write_limit limit(to_, until);
  error err = put({.op = opcode::close}, bytes_of(payload), {});
  closed_.store(true, std::memory_order_release);
  return err;
}

error output::answer_ping(std::string_view payload, const net::ending& end) {
  {
    const std::lock_guard hold(guard_);
    if (is_paying_) {
      owed_ = payload;
      return nullptr;
    }
  }
  if (turn_.try_lock()) {
    const std::unique_lock turn(turn_, std::adopt_lock);
    return put_pong(payload, end);
  }
  {
    const std::lock_guard hold(guard_);
    owed_ = payload;
    is_paying_ = true;
  }
  try {
    go([self = shared_from_this()] { self->pay(); });
  } catch (...) {
    const std::lock_guard hold(guard_);
    is_paying_ = false;  // nobody is
    throw;
  }
  return nullptr;
}

// Once the connection is closed who has the turn does not keep it, so that this ends, too.
void output::pay() {
  do {
    const std::lock_guard turn(turn_);
    std::string payload;
    {
      const std::lock_guard hold(guard_);
      payload = *std::exchange(owed_, std::nullopt);
    }
    static_cast<void>(put_pong(payload, {}));  // what fails is seen by who reads
  } while (still_owes());
}

bool output::still_owes() {
  const std::lock_guard hold(guard_);
  is_paying_ = owed_.has_value();
  return is_paying_;
}

// Under the turn. Behind a close there is none.
error output::put_pong(std::string_view payload, const net::ending& end) {
  if (has_closed()) {
    return nullptr;
  }
  const write_limit limit(to_, time::now() + control_patience);
  return put({.op = opcode::pong}, bytes_of(payload), end);
}

// Under the turn.
error output::put(frame_header h, std::span<const std::byte> payload, const net::ending& end) {
  h.length = payload.size();
  h.masked = keys_ != nullptr;
  if (h.masked) {
    h.key = keys_->next();
  }
  const mask_key* const key = h.masked ? &h.key : nullptr;
  const written_header header = write_header(h);
  error err;
  if (header.size + payload.size() <= small_bytes) {
    std::array<std::byte, small_bytes> all;
    std::memcpy(all.data(), header.bytes.data(), header.size);
    copy_payload(all.data() + header.size, payload, key, 0);
    err = to_.write(std::span(all).first(header.size + payload.size()), end).second;
  } else {
    err = put_large(header, payload, key, end);
  }
  if (err) {
    cut_off(to_);
  }
  return err;
}

error output::put_large(const written_header& header, std::span<const std::byte> payload, const mask_key* key,
                        const net::ending& end) {
  if (key == nullptr) {
    return to_.writev({header.text(), text_of(payload)}, end).second;
  }
  const std::size_t room = std::min(header.size + payload.size(), piece_bytes);
  const auto piece = std::make_unique_for_overwrite<std::byte[]>(room);
  std::memcpy(piece.get(), header.bytes.data(), header.size);
  for (std::size_t at = 0, used = header.size; at < payload.size(); used = 0) {
    const std::size_t n = std::min(payload.size() - at, room - used);
    copy_masked(piece.get() + used, payload.subspan(at, n), *key, at);
    if (error err = to_.write(std::span(piece.get(), used + n), end).second) {
      return err;
    }
    at += n;
  }
  return nullptr;
}

}  // namespace gossamer::inline v0::ws
