// http/response: what a client gets.
// Source: Go's http.Response. Differs: a value; its body is closed with its last copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../io/interfaces.hpp"
#include "cookie.hpp"
#include "header.hpp"
#include "request.hpp"
#include "status.hpp"
#include "url.hpp"

namespace gossamer::inline v0::http {

// `http: no Location header in response`: what location() returns.
GOSSAMER_API extern const errors::sentinel no_location;

// An answer. Copies share the body.
struct GOSSAMER_API response {
  std::string status;  // `200 OK`
  int status_code = 0;
  std::string proto;  // `HTTP/1.1`
  int proto_major = 0;
  int proto_minor = 0;
  http::header header;
  // Never nil where there was no error; reads io::eof at once where there is none. It is read from the connection as it
  // comes. close() gives the connection back: where the body has not been read to its end, up to 256 KiB of the rest
  // are read and thrown away for that, in 50 ms, and else the connection is ended. After `101 Switching Protocols` it
  // is the connection itself, and can be written, too: body.as<net::conn>().
  io::read_closer body;
  // -1: unknown; of an answer to HEAD what it says, though there is no body.
  std::int64_t content_length = 0;
  // `chunked`, or empty.
  std::string transfer_encoding;
  // Whether the connection ends with this answer.
  bool close = false;
  // The body was compressed, and is read as it was before that; content_length is -1 then, and the fields that have
  // told it are gone.
  bool uncompressed = false;
  // Complete once the body has been read to its end; before that it has the names that were announced, without values.
  std::shared_ptr<http::header> trailer;
  // What it is the answer to: the last one, where redirects were followed. Without its body. Null where a
  // round_tripper was asked directly.
  std::shared_ptr<const http::request> request;
  // Over TLS: what was agreed on; else null.
  std::shared_ptr<const tls::connection_state> tls;

  // What Set-Cookie fields say; faulty ones are left out. None where there are more than 3,000.
  std::vector<cookie> cookies() const;
  // Where Location points to, relative to the request's URL. no_location where there is none.
  std::pair<http::url, gossamer::error> location() const;
  // Whether the protocol is this version or a later one.
  bool proto_at_least(int major, int minor) const noexcept;
};

}  // namespace gossamer::inline v0::http
