// ws/accept: a server's side of the handshake.
// Source: coder/websocket's Accept and AcceptOptions. Differs: compression is off unless it is asked for; an offer of
// it that is not understood is passed over and not refused.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../http/request.hpp"
#include "../http/response_writer.hpp"
#include "conn.hpp"

namespace gossamer::inline v0::ws {

// How a server takes a connection.
struct accept_options {
  // Those that are spoken, the best first. One that is none of the client's is not agreed on: see conn::subprotocol().
  std::vector<std::string> subprotocols{};
  // Takes requests from pages of any origin. A browser sends along its user's cookies: a page of a stranger can then
  // act in the user's name.
  bool insecure_skip_verify = false;
  // Whose pages may connect besides those of the request's own host: `example.com`, `*.example.com`, and with a scheme
  // `https://example.com`. `*` stands for anything but a slash, `?` for one such character; case does not count.
  std::vector<std::string> origin_patterns{};
  compression_mode compression = compression_mode::disabled;
  // Smaller messages are not compressed; 0: 512 bytes, with context takeover 128.
  std::size_t compression_threshold = 0;
};

// Answers the request with 101, with the fields that w.header() has, and takes the connection over: it is no longer the
// server's, which does not close it. The handler may return while others use it, but its request and its context end
// then. A request that is no handshake, or comes from a page of another origin, is answered with 426, 405, 400 or 403
// and the reason, which is the error as well. Where w cannot hijack: 501.
[[nodiscard]] GOSSAMER_API std::pair<conn, error> accept(http::response_writer& w, http::request& r,
                                                         const accept_options& how = {});

}  // namespace gossamer::inline v0::ws
