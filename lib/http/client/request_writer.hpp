// request_writer: how a request is sent.
// Source: Go's Request.Write.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/net/conn.hpp"
#include "http/client/body_probe.hpp"

namespace gossamer::inline v0::http {

// What a head has beside what the request says.
struct head_options {
  bool absolute_form = false;       // to a proxy: the target is the whole URL
  bool asks_gzip = false;           // `Accept-Encoding: gzip`
  bool closes = false;              // `Connection: close`, where the request does not say so itself
  bool waits_for_continue = false;  // no body goes with the head
  const http::header* extra = nullptr;
};

// What says how a message is framed: no trailer.
constexpr bool is_framing_field(std::string_view name) noexcept {
  return name == "Transfer-Encoding" || name == "Trailer" || name == "Content-Length";
}

// Of one request that check_request() has let pass. In place; for one fiber at a time. The request stays as it is, but
// for its trailers, whose values are those that are there when the body has ended.
class request_writer {
 public:
  // The buffer is the connection's: its memory is used again.
  request_writer(const request& r, const head_options& how, std::string& buffer);

  // The head, and with it the body where that is at hand and small, or there is none, as one write; the body is closed
  // then. Of a body whose length is not known, and of a method that usually has none, the first byte is read before, as
  // by Go. Where nothing has been sent because of it, the error says what is wrong with the request.
  gossamer::error write_head(const net::conn& to, const net::ending& end);
  // Whether write_head() writes the body, too, if there is one. Before it.
  bool goes_with_head() const noexcept { return framing_ == framing::none || is_at_hand(); }
  // Whether anything has reached the connection.
  bool has_sent() const noexcept { return has_sent_; }
  // Whether write_body() is still to be called. After write_head().
  bool has_body() const noexcept { return framing_ != framing::none && !is_sent_; }
  // The body, with its length or in chunks, and the trailers. Closes it, whatever happens. A file goes by the kernel,
  // where no context can end the call. Errors: the body's own,
  // `http: ContentLength=5 with Body length 3`, the connection's, `end`'s. After an error the connection is of no use.
  // `before_trailers` is called when all of the body was read that trailers follow.
  gossamer::error write_body(const net::conn& to, const net::ending& end,
                             const std::function<void()>& before_trailers = nullptr);

  // Something of the body was read, or it was closed: to send the request again another one is needed.
  bool has_touched_body() const noexcept { return touched_; }
  // Another fiber reads from the body.
  bool is_being_read() const noexcept { return static_cast<bool>(late_first_); }
  // The error came from the body.
  bool body_has_failed() const noexcept { return failed_; }
  // Once; later ones are nil. For who does not call write_body(), or wants to end one that reads: by any fiber.
  gossamer::error close_body();

 private:
  enum class framing : std::uint8_t { none, counted, chunked, until_close };
  // Of a body that is longer than its request says so much is read, to say how long it is.
  static constexpr std::int64_t most_beyond = std::int64_t{1} << 20;

  void choose_framing();
  void probe(const net::ending& end);
  gossamer::error build_head(const net::ending& end);
  gossamer::error append_target();
  void append_user_agent();
  gossamer::error append_framing();
  bool wants_close() const noexcept;
  bool is_at_hand() const noexcept;
  gossamer::error append_body();
  gossamer::error write_file(const net::conn& to);
  gossamer::error write_counted(const net::conn& to, const net::ending& end, std::span<std::byte> room);
  gossamer::error write_chunks(const net::conn& to, const net::ending& end,
                               const std::function<void()>& before_trailers);
  gossamer::error wrong_length(std::int64_t body_length) const;
  io::result read_body(std::span<std::byte> to);

  const request& r_;
  head_options how_;
  std::string& out_;
  io::read_closer body_;
  std::int64_t length_ = 0;
  framing framing_ = framing::none;
  bool failed_ = false, is_sent_ = false, has_sent_ = false;
  std::atomic<bool> touched_ = false, closed_ = false;
  first_read first_;                  // what probe() has read
  recv_chan<first_read> late_first_;  // where it has not come yet
};

}  // namespace gossamer::inline v0::http
