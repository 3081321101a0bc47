// response_reader: what a server answers on one connection, answer after answer.
// Source: Go's ReadResponse, and what its Transport asks beyond that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "gossamer/error.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/http/response.hpp"
#include "gossamer/io/stream.hpp"
#include "gossamer/net/conn.hpp"
#include "http/input.hpp"

namespace gossamer::inline v0::http {

// Is given what comes before an answer: 100 to 199 but for 101. An error ends the reading with it.
using on_1xx_function = std::function<gossamer::error(int status_code, const http::header& fields)>;

class response_parser;  // Beast shows in the implementation alone

// In place; for one fiber at a time.
class response_reader {
 public:
  explicit response_reader(input& from) noexcept;
  response_reader(const response_reader&) = delete;
  response_reader& operator=(const response_reader&) = delete;
  ~response_reader();

  // Reads the head of an answer, after all 1xx before it (101 is one itself): its status, version, fields,
  // content_length, transfer_encoding, `close`, and the names of its trailers. The body of the answer before has been
  // read. `is_head`: the request's method is HEAD. All these heads together have at most so many bytes; see
  // count_anew().
  // Errors, after which the connection is of no use: io::eof, the connection has ended before the first byte;
  // io::unexpected_eof, after it; the connection's own; `end`'s; `net/http: server response headers exceeded N bytes;
  // aborted`; `malformed HTTP response "X"` and the like.
  gossamer::error read_head(response& into, bool is_head, std::int64_t max_header_bytes, const on_1xx_function& on_1xx,
                            const net::ending& end);
  // From on_1xx: somebody has looked at what has come, so that it does not count any longer.
  void count_anew() noexcept { head_bytes_ = 0; }
  // Whether anything has come since read_head() began.
  bool got_first_byte() const noexcept { return got_first_byte_; }

  // Reads decoded bytes of the body; io::eof at its end, when the trailers are complete. Errors: io::unexpected_eof
  // where it is cut; `invalid byte in chunk length` and the like; the connection's. After one of them, but for a
  // time-out, it is all that is read.
  io::result read_body(std::span<std::byte> to, const net::ending& end);
  // Nothing of it is left, which may be known with its last byte.
  bool body_is_done() const noexcept { return framing_ == framing::none; }
  // How many bytes of it are left; -1: unknown.
  std::int64_t body_left() const noexcept;
  // The answer has been read, nothing came behind it, and both sides can go on with another.
  bool may_be_reused() const noexcept { return keeps_alive_ && body_is_done() && from_.empty(); }
  // The answer's own.
  http::header& trailer() noexcept { return *trailer_; }

 private:
  enum class framing : std::uint8_t { none, counted, chunked, until_close };

  gossamer::error read_one(response& into, const net::ending& end);
  gossamer::error read_status_line(response& into, const net::ending& end);
  gossamer::error read_fields(response& into, const net::ending& end);
  gossamer::error too_many_bytes() const;
  gossamer::error fill_head(const net::ending& end);
  void consume_head(std::size_t n) noexcept;
  void begin_body(response& into, bool is_head);
  io::result read_piece(std::span<std::byte> to, const net::ending& end);

  input& from_;
  std::unique_ptr<response_parser> parser_;  // of the latest answer; its memory is used again
  std::shared_ptr<http::header> trailer_;
  std::int64_t max_header_bytes_ = 0;
  std::uint64_t head_bytes_ = 0;  // that are used up
  std::uint64_t left_ = 0;        // of a counted body
  gossamer::error why_;           // nothing more can be read
  framing framing_ = framing::none;
  bool got_first_byte_ = false;
  bool keeps_alive_ = false;
};

}  // namespace gossamer::inline v0::http
