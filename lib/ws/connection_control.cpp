#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <mutex>

#include "gossamer/errors.hpp"
#include "gossamer/io_errors.hpp"
#include "gossamer/time.hpp"
#include "http/quote.hpp"
#include "ws/close_code.hpp"
#include "ws/connection.hpp"
#include "ws/pending_ping.hpp"

namespace gossamer::inline v0::ws {

namespace {

// How long, and how much, is read of a peer that was told that it breaks the rules: closing before it has read why
// would reset the connection, and it would not.
constexpr std::chrono::seconds most_lingering{1};
constexpr std::size_t most_discarded = std::size_t{1} << 20U;

// At most so many bytes, and no code point in parts.
std::string_view cut_text(std::string_view text, std::size_t most) noexcept {
  if (text.size() > most) {
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80) {
      most--;
    }
  }
  return text.substr(0, most);
}

}  // namespace

std::pair<frame_header, error> connection::next_header(const net::ending& end) {
  auto [begin, err] = in_.peek(2, end);
  if (!err) {
    const std::size_t n = header_bytes(begin);
    std::tie(begin, err) = in_.peek(n, end);
  }
  if (err) {
    return {{}, lost(errors::wrap(std::move(err), "failed to read frame header"))};
  }
  in_.skip(begin.size());
  const frame_header h = read_header(begin);
  return {h, check(h)};
}

// Answers what comes in between.
std::pair<frame_header, error> connection::next_data_header(const net::ending& end) {
  for (;;) {
    auto next = next_header(end);
    if (next.second || !is_control(next.first.op)) {
      return next;
    }
    if (error err = handle_control(next.first, end)) {
      return {next.first, std::move(err)};
    }
  }
}

error connection::check(const frame_header& h) {
  const bool may_be_compressed = how_.deflate.on && (h.op == opcode::text || h.op == opcode::binary);
  const auto bit = [&h](unsigned b) { return (h.reserved & b) != 0 ? "true" : "false"; };
  const auto wrong = [this](std::string why) { return fail(status_code::protocol_error, std::move(why)); };
  if ((h.reserved & ~(may_be_compressed ? compressed_bit : 0U)) != 0) {
    return wrong(std::string("received header with unexpected rsv bits set: ") + bit(4) + ":" + bit(2) + ":" + bit(1));
  }
  if (h.masked == (how_.side == side::client)) {
    return wrong(h.masked ? "received masked frame from server" : "received unmasked frame from client");
  }
  if (!is_known(h.op)) {
    return wrong("received unknown opcode opcode(" + std::to_string(static_cast<unsigned>(h.op)) + ")");
  }
  if (h.length >> 63U != 0) {
    return wrong("received negative payload length: " + std::to_string(static_cast<std::int64_t>(h.length)));
  }
  if (is_control(h.op) && h.length > most_control_bytes) {
    return wrong("received control frame payload with invalid length: " + std::to_string(h.length));
  }
  if (is_control(h.op) && !h.fin) {
    return wrong("received fragmented control frame");
  }
  return nullptr;
}

error connection::handle_control(const frame_header& h, const net::ending& end) {
  const auto [masked, err] = in_.peek(h.length, end);
  if (err) {
    return lost(errors::wrap(err == io::eof ? error(io::unexpected_eof) : err, "failed to read frame payload"));
  }
  std::array<std::byte, most_control_bytes> room;
  const std::span<std::byte> bytes = std::span(room).first(masked.size());
  std::ranges::copy(std::as_bytes(std::span(masked)), bytes.begin());
  in_.skip(masked.size());
  if (h.masked) {
    apply_mask(bytes, h.key, 0);
  }
  const std::string_view payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  switch (h.op) {
    case opcode::ping:
      if (error failed = out_->answer_ping(payload, end)) {
        return lost(errors::wrap(std::move(failed), "failed to write pong"));
      }
      return nullptr;
    case opcode::pong:
      handle_pong(payload);
      return nullptr;
    default:
      return handle_close(payload);
  }
}

void connection::handle_pong(std::string_view payload) {
  const std::lock_guard hold(guard_);
  for (pending_ping* p = pings_; p != nullptr; p = p->next) {
    if (p->payload == payload) {
      p->is_answered = true;
      changed_.broadcast();
      return;
    }
  }
}

// Always an error: the peer's, or what is wrong with it.
error connection::handle_close(std::string_view payload) {
  constexpr std::string_view what = "received invalid close payload: ";
  status_code code = status_code::no_status_rcvd;
  if (payload.size() == 1) {
    return fail(status_code::protocol_error, std::string(what) + "close payload " + http::quote(payload) +
                                                 " too small, cannot even contain the 2 byte status code");
  }
  if (!payload.empty()) {
    const auto byte = [payload](std::size_t i) { return static_cast<int>(static_cast<unsigned char>(payload[i])); };
    code = static_cast<status_code>(byte(0) * 256 + byte(1));
    if (!is_sendable(code)) {
      return fail(status_code::protocol_error, std::string(what) + "invalid status code " + code_name(code));
    }
  }
  const std::string_view reason = payload.substr(std::min<std::size_t>(2, payload.size()));
  utf8_check text;
  if (!text.feed(std::as_bytes(std::span(reason))) || !text.is_whole()) {
    return fail(status_code::invalid_frame_payload_data, std::string(what) + "reason is no UTF-8");
  }
  error err = errors::wrap(close_error(code, std::string(reason)), "received close frame");
  {
    const std::lock_guard hold(guard_);
    received_ = err;
  }
  closing_.store(true);
  static_cast<void>(out_->send_close(payload, time::now() + control_patience));
  drop();
  return err;
}

// The peer breaks the rules: it is told so, and it is over. Returns why.
error connection::fail(status_code code, std::string why) {
  closing_.store(true);
  if (!out_->send_close(close_payload(code, cut_text(why, most_reason_bytes)), time::now() + control_patience)) {
    linger();
  }
  drop();
  return errors::make(why);
}

void connection::linger() {
  if (net_.close_write()) {
    return;
  }
  net_.set_read_deadline(time::now() + most_lingering);
  std::array<std::byte, 512> room;
  for (std::size_t all = 0; all < most_discarded;) {
    const auto [n, err] = in_.read(room, {});
    all += n;
    if (err) {
      return;
    }
  }
}

// Nothing can be read any more: `err` is why.
error connection::lost(error err) {
  drop(true);
  return err;
}

}  // namespace gossamer::inline v0::ws
