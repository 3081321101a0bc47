// ws: WebSocket connections (RFC 6455), of servers and clients, with compressed messages (RFC 7692). Not in
// gossamer.hpp; programs link gossamer-http.
// Source: the Go library github.com/coder/websocket. Differs: calls take a stop as well as a context; text that is no
// UTF-8 is refused; a peer that breaks the protocol is told so, and the connection is closed.
//
//   mux.handle_func("/echo", [](http::response_writer& w, http::request& r) {
//     auto [c, err] = ws::accept(w, r);
//     if (err) return;
//     for (;;) {
//       auto [type, text, err] = c.read(r.context());
//       if (err || c.write(r.context(), type, text)) break;
//     }
//     c.close_now();
//   });
#pragma once

#include "ws/accept.hpp"  // IWYU pragma: export
#include "ws/close.hpp"   // IWYU pragma: export
#include "ws/conn.hpp"    // IWYU pragma: export
#include "ws/dial.hpp"    // IWYU pragma: export
