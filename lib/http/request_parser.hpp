// request_parser: a request's header and its chunked body, as Boost.Beast reads them, and what we ask beyond that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/http/request.hpp"
#include "http/input.hpp"

namespace gossamer::inline v0::http {

// Why a request is not served: the answer that its client gets, after which the connection ends.
struct refusal {
  int status = 0;
  // Beside the status's text, in the status line and the body: `missing required Host header`.
  std::string detail{};
  // Instead of the whole body.
  std::string body{};
};

struct header_limits {
  std::size_t bytes;
  std::size_t values;
};

// For one connection, message after message. Beast shows in the implementation alone.
class request_parser {
 public:
  request_parser() noexcept = default;
  request_parser(const request_parser&) = delete;
  request_parser& operator=(const request_parser&) = delete;
  ~request_parser() { end(); }

  // Before a request's first byte.
  void begin(request& into, header_limits limits);
  // Takes what it can of the input. True: the header is complete, and nothing is wrong with it; the method, the
  // target's text, the fields, host (the field's), version, content_length, transfer_encoding and `close` are set.
  // None: more is needed.
  std::optional<bool> put_header(input& from, refusal& why);
  // What its Expect says; empty: nothing.
  std::string_view expect() const noexcept { return expect_; }
  // HTTP/1.0's keep-alive.
  bool wants_keep_alive() const noexcept;

  // Reads decoded bytes of a chunked body; io::eof behind the last one, when the request's trailers are complete.
  io::result read_chunked(input& from, std::span<std::byte> to);

 private:
  struct parser;  // of Beast
  parser& its() noexcept;
  const parser& its() const noexcept;
  void end() noexcept;

  static constexpr std::size_t room = 512;
  alignas(16) std::byte storage_[room];
  bool begun_ = false;
  std::string expect_;
};

}  // namespace gossamer::inline v0::http
