// ws/conn: messages, in both directions.
// Source: coder/websocket's Conn. Differs: see ../ws.hpp.
//
// A handle: copies are the same connection, operations are const; the last one closes it as close_now() does, unless
// close_read() reads, which has one itself, as a message's reader and writer have. Any number of fibers and threads may
// use one at the same time: reads are served one after the other, and so are writes, each message as a whole; one reads
// while others write. On a nil handle all that returns an error fails with `invalid argument`, close_read() returns ctx
// itself, set_read_limit() does nothing, and subprotocol() is empty.
//
// Somebody has to read, for as long as the connection is used: pings are answered, and pongs and the peer's close are
// seen, only while a read is going on. Who expects no messages calls close_read().
//
// A read or a write that its `end` cuts off closes the connection, since a part of a message may be gone; one that has
// only waited for its turn does not. A write ends at its `end`. So does a read, but for one that has a close to say or
// to answer: that takes up to 5 s for its turn and to be sent, and a second more if the peer has broken the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "../context.hpp"
#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/interfaces.hpp"
#include "../net/error.hpp"
#include "close.hpp"

namespace gossamer::inline v0::ws {

enum class message_type : std::uint8_t { text = 1, binary = 2 };

// How messages are compressed, if the peer agrees (permessage-deflate).
enum class compression_mode : std::uint8_t {
  disabled,
  // Each message by itself; nothing is kept between messages.
  no_context_takeover,
  // With what the messages before had in common: smaller, but each connection that has sent or received a compressed
  // message keeps up to 300 KiB.
  context_takeover,
};

class connection;  // lib/ws

class GOSSAMER_API conn {
 public:
  conn() noexcept = default;
  conn(std::nullptr_t) noexcept {}
  // For the library.
  explicit conn(std::shared_ptr<connection> its) noexcept : its_(std::move(its)) {}

  // The next message, as a whole. Errors: a wrapped close_error once the peer has closed; `read limited at N bytes`; a
  // wrapped io::eof where the peer has gone without a word; net::closed after close(); what the rules broken by the
  // peer are, `received unknown opcode opcode(3)`; what `end` says. After an error there is nothing more to read.
  std::tuple<message_type, std::string, error> read(const net::ending& end = {}) const;
  // The next message piece by piece: io::eof at its end, up to which it must be read before the next can be. `ctx` is
  // that of all reads of the message. Error: as read(); `previous message not read to completion`, which leaves the
  // connection as it is.
  std::tuple<message_type, io::reader, error> reader(const context::context& ctx) const;

  // Writes a message, in one frame unless it is compressed. Nothing checks that text is UTF-8: it has to be.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  error write(const net::ending& end, message_type type, R&& message) const {
    return write_bytes(end, type, std::as_bytes(std::span(message)));
  }
  error write(const net::ending& end, message_type type, std::string_view message) const {
    return write_bytes(end, type, std::as_bytes(std::span(message)));
  }
  // A message written piece by piece, each a frame of its own; close() ends it. Other messages wait until then, and a
  // writer that goes without having been closed closes the connection.
  std::pair<io::write_closer, error> writer(const context::context& ctx, message_type type) const;

  // Asks the peer, and waits until it has answered; while somebody reads. It may be called by several at once.
  error ping(const net::ending& end = {}) const;

  // Tells the peer why it ends, waits until the peer has said the same, for at most 5 s in all, and closes. Messages
  // that still come are lost, unless somebody is reading. The reason: at most 123 bytes of UTF-8. status_code::
  // no_status_rcvd says nothing. nil if the peer has answered with the same code. Errors: net::closed if it is being
  // closed already, after which it is closed; the peer's close_error; `reason string max is 123 but got …`, `status
  // code N cannot be set`: then the peer is not told.
  error close(status_code code, std::string_view reason = {}) const;
  // Closes, without a word. Error: net::closed if it was closed already.
  error close_now() const;
  // Reads, in a fiber of its own, until the connection ends: for who only writes. A message closes the connection, with
  // status_code::policy_violation. What is returned comes from ctx and is cancelled when the connection ends; and when
  // ctx is cancelled the connection is closed. A second call returns the first one's.
  context::context close_read(const context::context& ctx) const;

  // The most that a message, decompressed, may have: 32,768 bytes unless set; < 0: no limit. A larger one closes the
  // connection, with status_code::message_too_big. Counts from the next message on.
  void set_read_limit(std::int64_t bytes) const;
  // What was agreed on; empty: nothing.
  std::string_view subprotocol() const noexcept;

  explicit operator bool() const noexcept { return its_ != nullptr; }
  friend bool operator==(const conn& a, const conn& b) noexcept { return a.its_ == b.its_; }

 private:
  error write_bytes(const net::ending& end, message_type type, std::span<const std::byte> message) const;

  std::shared_ptr<connection> its_;
};

}  // namespace gossamer::inline v0::ws
