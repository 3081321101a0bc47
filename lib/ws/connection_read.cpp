#include <algorithm>
#include <limits>
#include <mutex>

#include "gossamer/errors.hpp"
#include "gossamer/io_errors.hpp"
#include "ws/connection.hpp"

namespace gossamer::inline v0::ws {

namespace {

// Room is made for what a peer announces only so far before it has sent it.
constexpr std::uint64_t most_trusted = std::uint64_t{64} << 10U;
constexpr std::size_t inflated_step = 4096;

constexpr const char* malformed = "received malformed compressed data";

// What incompressible bytes may grow by.
constexpr std::int64_t with_overhead(std::int64_t limit) noexcept {
  return limit > std::numeric_limits<std::int64_t>::max() / 2 ? limit : limit + limit / 64 + 1024;
}

}  // namespace

// What there is to say once it has ended; else nil.
error connection::over() const {
  const std::lock_guard hold(guard_);
  return received_ ? received_ : closed_.load() ? error(net::closed) : error();
}

std::tuple<message_type, std::string, error> connection::read(const net::ending& end) {
  std::string all;
  if (!read_turn_.try_lock_until(end.stop())) {
    return {message_type::text, std::move(all), errors::wrap(end.err(), "failed to get reader")};
  }
  const std::unique_lock turn(read_turn_, std::adopt_lock);
  const input::lent room(in_);
  if (error err = begin_message(end)) {
    return {message_type::text, std::move(all), errors::wrap(std::move(err), "failed to get reader")};
  }
  error err = read_all(all, end);
  return {message_.type, std::move(all), errors::wrap(std::move(err), "failed to read")};
}

namespace {

// What io::reader is made from: one message.
class message_reader final : public io::reader_interface {
 public:
  message_reader(std::shared_ptr<connection> of, std::uint64_t number, context::context ctx) noexcept
      : of_(std::move(of)), number_(number), ctx_(std::move(ctx)) {}
  io::result read(std::span<std::byte> to) override { return of_->read_piece(number_, to, ctx_); }

 private:
  const std::shared_ptr<connection> of_;
  const std::uint64_t number_;
  const context::context ctx_;
};

}  // namespace

std::tuple<message_type, io::reader, error> connection::open_reader(const context::context& ctx) {
  if (!read_turn_.try_lock_until(wait::stop(ctx))) {
    return {message_type::text, nullptr, errors::wrap(net::ending(ctx).err(), "failed to get reader")};
  }
  const std::unique_lock turn(read_turn_, std::adopt_lock);
  const input::lent room(in_);
  if (error err = begin_message(ctx)) {
    return {message_type::text, nullptr, errors::wrap(std::move(err), "failed to get reader")};
  }
  return {message_.type, io::make_reader<message_reader>(shared_from_this(), message_.number, ctx), nullptr};
}

io::result connection::read_piece(std::uint64_t number, std::span<std::byte> to, const net::ending& end) {
  if (to.empty()) {
    return {0, nullptr};
  }
  if (!read_turn_.try_lock_until(end.stop())) {
    return {0, errors::wrap(end.err(), "failed to read")};
  }
  const std::unique_lock turn(read_turn_, std::adopt_lock);
  if (!message_.is_open || message_.number != number) {
    return {0, io::eof};
  }
  if (error err = over()) {
    return {0, errors::wrap(std::move(err), "failed to read")};
  }
  const input::lent room(in_);
  const auto [n, err] = read_message(to, end);
  return {n, err == io::eof ? err : errors::wrap(err, "failed to read")};
}

error connection::begin_message(const net::ending& end) {
  if (error err = over()) {
    return err;
  }
  if (message_.is_open) {
    return errors::make("previous message not read to completion");
  }
  const auto [h, err] = next_data_header(end);
  if (err) {
    return err;
  }
  if (h.op == opcode::continuation) {
    return fail(status_code::protocol_error, "received continuation frame without text or binary frame");
  }
  message_.type = h.op == opcode::text ? message_type::text : message_type::binary;
  message_.is_open = true;
  message_.is_compressed = (h.reserved & compressed_bit) != 0;
  message_.number++;
  message_.limit = read_limit_.load(std::memory_order_relaxed);
  message_.sent = 0;
  message_.size = 0;
  message_.utf8.reset();
  if (message_.is_compressed && inflater_ == nullptr) {
    inflater_ = borrow_inflater();
  }
  return take_frame(h);
}

// Refuses at once what will be too large, and for a compressed message what cannot be as small as it may be.
error connection::take_frame(const frame_header& h) {
  message_.frame = h;
  message_.left = h.length;
  const std::int64_t most = message_.is_compressed ? with_overhead(message_.limit) : message_.limit;
  if (message_.limit >= 0 && static_cast<std::int64_t>(h.length) > most - message_.sent) {
    return fail(status_code::message_too_big, "read limited at " + std::to_string(message_.limit) + " bytes");
  }
  message_.sent += message_.limit >= 0 ? static_cast<std::int64_t>(h.length) : 0;
  return nullptr;
}

error connection::next_frame(const net::ending& end) {
  const auto [h, err] = next_data_header(end);
  if (err) {
    return err;
  }
  if (h.op != opcode::continuation) {
    return fail(status_code::protocol_error, "received new data message without finishing the previous message");
  }
  return take_frame(h);
}

// Of the message as it is sent; io::eof at its end.
net::io_result connection::read_payload(std::span<std::byte> to, const net::ending& end) {
  while (message_.left == 0) {
    if (message_.frame.fin) {
      return {0, io::eof};
    }
    if (error err = next_frame(end)) {
      return {0, std::move(err)};
    }
  }
  const std::uint64_t at = message_.frame.length - message_.left;
  const auto [n, err] = in_.read(to.first(std::min<std::uint64_t>(to.size(), message_.left)), end);
  if (message_.frame.masked) {
    apply_mask(to.first(n), message_.frame.key, at);
  }
  message_.left -= n;
  return {n, err && n == 0
                 ? lost(errors::wrap(err == io::eof ? error(io::unexpected_eof) : err, "failed to read frame payload"))
                 : error()};
}

// Of the message as it is meant; io::eof at its end.
net::io_result connection::read_plain(std::span<std::byte> to, const net::ending& end) {
  if (!message_.is_compressed) {
    return read_payload(to, end);
  }
  for (;;) {
    const auto [n, is_good] = inflater_->take(to);
    if (!is_good) {
      return {0, fail(status_code::invalid_frame_payload_data, malformed)};
    }
    if (n > 0) {
      return {n, nullptr};
    }
    if (!inflater_->wants_more()) {
      continue;
    }
    if (inflater_->is_last()) {
      return {0, inflater_->is_whole() ? error(io::eof) : fail(status_code::invalid_frame_payload_data, malformed)};
    }
    const auto [m, err] = read_payload(inflater_->room(), end);
    if (err == io::eof) {
      inflater_->last();
    } else if (err) {
      return {0, err};
    } else {
      inflater_->more(m);
    }
  }
}

// The same within the limit, and text checked. `to` is not empty.
net::io_result connection::read_message(std::span<std::byte> to, const net::ending& end) {
  const auto [n, err] = read_plain(to, end);
  if (err == io::eof) {
    if (error wrong = check_end()) {
      return {0, std::move(wrong)};
    }
  } else if (!err) {
    message_.size += static_cast<std::int64_t>(n);
    if (message_.limit >= 0 && message_.size > message_.limit) {
      return {0, fail(status_code::message_too_big, "read limited at " + std::to_string(message_.limit) + " bytes")};
    }
    if (message_.type == message_type::text && !message_.utf8.feed(to.first(n))) {
      return {0, fail(status_code::invalid_frame_payload_data, "received text that is no UTF-8")};
    }
  }
  return {n, err};
}

// Behind the last byte.
error connection::check_end() {
  if (message_.type == message_type::text && !message_.utf8.is_whole()) {
    return fail(status_code::invalid_frame_payload_data, "received text that is no UTF-8");
  }
  message_.is_open = false;
  if (message_.is_compressed) {
    inflater_->next_message();
    if (!how_.deflate.peer_takeover) {
      give_back(std::move(inflater_));
    }
  }
  return nullptr;
}

error connection::read_all(std::string& to, const net::ending& end) {
  for (;;) {
    if (!message_.is_compressed && message_.left == 0 && message_.frame.fin) {
      return check_end();
    }
    const std::size_t before = to.size();
    to.resize(before + (message_.is_compressed ? std::max(inflated_step, before)
                                               : std::max<std::size_t>(1, std::min(message_.left, most_trusted))));
    const auto [n, err] = read_message(std::as_writable_bytes(std::span(to)).subspan(before), end);
    to.resize(before + n);
    if (err) {
      return err == io::eof ? error() : err;
    }
  }
}

}  // namespace gossamer::inline v0::ws
