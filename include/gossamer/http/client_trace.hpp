// http/client_trace: what is told of a request while it is on its way.
// Source: Go's httptrace.ClientTrace. Differs: nothing is told of look-ups, which a dialer makes by itself.
//
//   http::client_trace trace;
//   trace.got_conn = [](const http::got_conn_info& c) { fmt::println(c.reused); };
//   auto [r, err] = http::new_request_with_context(http::with_client_trace(ctx, trace), "GET", url);
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../net/conn.hpp"
#include "../time.hpp"
#include "header.hpp"

namespace gossamer::inline v0::tls {
class connection_state;
}  // namespace gossamer::inline v0::tls

namespace gossamer::inline v0::http {

// To be asked, not to be used.
struct got_conn_info {
  net::conn conn;
  // Another request was sent on it before.
  bool reused = false;
  // It has been idle, and for how long.
  bool was_idle = false;
  time::duration idle_time{0};
};

// Functions that are called, those that are set; in the fiber that does what they tell of, which need not be the one
// that sends the request: several may be called at the same time. A connection that is made may serve another request
// in the end.
struct client_trace {
  // A connection to it is wanted: `host:port`.
  std::function<void(std::string_view host_port)> get_conn;
  std::function<void(const got_conn_info& info)> got_conn;
  // It is kept for others; or not, and why (where none are to be kept it is not called). Called by whoever reads or
  // closes the answer's body; where that goes without having been closed, what this throws is dropped.
  std::function<void(const error& err)> put_idle_conn;
  std::function<void()> got_first_response_byte;
  std::function<void()> got_100_continue;
  // Each answer of 1xx but 101, `100 Continue` too. An error ends the request with it.
  std::function<error(int code, const http::header& fields)> got_1xx_response;
  // With its name's look-up.
  std::function<void(std::string_view network, std::string_view address)> connect_start;
  std::function<void(std::string_view network, std::string_view address, const error& err)> connect_done;
  std::function<void()> tls_handshake_start;
  std::function<void(const tls::connection_state& state, const error& err)> tls_handshake_done;
  std::function<void()> wrote_headers;
  std::function<void()> wait_100_continue;
  // With its body; or not, and why.
  std::function<void(const error& err)> wrote_request;
};

// ctx with this trace, for requests that have it. One that ctx has already is told first of all, too.
[[nodiscard]] GOSSAMER_API context::context with_client_trace(const context::context& ctx, client_trace trace);
// Null where there is none. Lives as long as the context.
[[nodiscard]] GOSSAMER_API const client_trace* context_client_trace(const context::context& ctx);

}  // namespace gossamer::inline v0::http
