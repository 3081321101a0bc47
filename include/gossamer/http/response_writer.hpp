// http/response_writer: with what a handler answers.
// Source: Go's http.ResponseWriter, Flusher, Hijacker, ResponseController. Differs: what not every writer can do is a
// virtual function here, which fails with not_supported by default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../io/stream.hpp"
#include "../net/conn.hpp"
#include "header.hpp"
#include "status.hpp"

namespace gossamer::inline v0::http {

// What this writer cannot do: `feature not supported`.
GOSSAMER_API extern const errors::sentinel not_supported;
// `http: wrote more than the declared Content-Length`
GOSSAMER_API extern const errors::sentinel content_length_exceeded;
// `http: request method or response status code does not allow body`
GOSSAMER_API extern const errors::sentinel body_not_allowed;
// `http: connection has been hijacked`
GOSSAMER_API extern const errors::sentinel connection_hijacked;

// The answer to one request. In a server it belongs to the handler, until that returns; one fiber at a time. One's own,
// for middleware, derives from it.
class GOSSAMER_API response_writer {
 public:
  using here = std::source_location;

  virtual ~response_writer();

  // The fields that will be sent. What is changed after write_header() or the first write counts no more, but for
  // trailers: those that `Trailer` has named before, and those whose name begins with trailer_prefix.
  virtual http::header& header() = 0;
  // Sends the status and the fields (a server keeps them until something has to be sent). 1xx (but 101): they are sent
  // at once, and another status follows. Without it the first write says 200. The first one counts, another is logged:
  // `http: superfluous response.WriteHeader call from F (file:line)`. Panics with `invalid WriteHeader code N` below
  // 100 and above 999.
  void write_header(int status, here where = here::current()) { write_status(status, where); }
  // Writes a piece of the body. Without a Content-Type the first one decides it (detect_content_type). All of it, or
  // fewer and an error: content_length_exceeded (nothing is written then), body_not_allowed, connection_hijacked, or
  // what the connection has.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  io::result write(R&& from) {
    return write_bytes(std::as_bytes(std::span(from)));
  }
  io::result write(std::string_view from) { return write_bytes(std::as_bytes(std::span(from))); }
  // The same for all of `from`, up to its end: of an os::file by sendfile. io::copy() calls it.
  virtual io::copied read_from(const io::reader& from);

  // Sends what was written.
  virtual gossamer::error flush();
  // Hands the connection over to the caller, with what the client has sent already as the first that it reads. The
  // server does nothing with it any more, sets no deadline and does not close it. Differs from Go: no buffer beside it.
  virtual std::pair<net::conn, gossamer::error> hijack();
  // Of reading the request, of writing the answer. `net::never`: none.
  virtual gossamer::error set_read_deadline(net::time_point when);
  virtual gossamer::error set_write_deadline(net::time_point when);
  // From here on the handler may read and write in turn: HTTP/1 servers otherwise read what is left of the body before
  // they send.
  virtual gossamer::error enable_full_duplex();
  // The one that this one passes its calls on to; null if there is none. Asked by response_controller.
  virtual response_writer* unwrap() { return nullptr; }
  // A reader of the body has found it larger than max_bytes_reader() allows: the connection ends with this answer.
  virtual void request_too_large();

 protected:
  virtual io::result write_bytes(std::span<const std::byte> from) = 0;
  virtual void write_status(int status, here where) = 0;
  // For writers that pass their calls on.
  static io::result write_bytes_of(response_writer& w, std::span<const std::byte> from) { return w.write_bytes(from); }
};

// Before a field's name: it is sent as a trailer.
inline constexpr std::string_view trailer_prefix = "Trailer:";

// What goes beyond response_writer's writes, for a writer that may be wrapped: each call goes to the first, from the
// outermost to what it wraps, that can do it. Source: Go's http.ResponseController.
class GOSSAMER_API response_controller {
 public:
  explicit response_controller(response_writer& w) noexcept : w_(&w) {}

  // As those of response_writer. Error: not_supported where none can do it.
  gossamer::error flush() const;
  std::pair<net::conn, gossamer::error> hijack() const;
  gossamer::error enable_full_duplex() const;
  template <class Clock, class Duration>
  gossamer::error set_read_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_read(net::deadline_of(tp));
  }
  template <class Clock, class Duration>
  gossamer::error set_write_deadline(std::chrono::time_point<Clock, Duration> tp) const {
    return set_write(net::deadline_of(tp));
  }
  gossamer::error set_read_deadline(std::nullptr_t) const { return set_read(net::never); }
  gossamer::error set_write_deadline(std::nullptr_t) const { return set_write(net::never); }

 private:
  gossamer::error set_read(net::time_point when) const;
  gossamer::error set_write(net::time_point when) const;
  response_writer* w_;
};

}  // namespace gossamer::inline v0::http
