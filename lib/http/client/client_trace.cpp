#include "gossamer/http/client_trace.hpp"

#include <utility>

namespace gossamer::inline v0::http {

namespace {

struct trace_key {
  friend bool operator==(trace_key, trace_key) = default;
};

// The result is the last one's, but for an error of the first.
template <class R, class... Args>
void put_before(const std::function<R(Args...)>& first, std::function<R(Args...)>& then) {
  if (!first) {
    return;
  }
  if (!then) {
    then = first;
    return;
  }
  then = [first, then = std::move(then)](Args... args) -> R {
    if constexpr (std::is_void_v<R>) {
      first(args...);
    } else if (R err = first(args...)) {
      return err;
    }
    return then(args...);
  };
}

}  // namespace

context::context with_client_trace(const context::context& ctx, client_trace trace) {
  if (const client_trace* const before = context_client_trace(ctx)) {
    put_before(before->get_conn, trace.get_conn);
    put_before(before->got_conn, trace.got_conn);
    put_before(before->put_idle_conn, trace.put_idle_conn);
    put_before(before->got_first_response_byte, trace.got_first_response_byte);
    put_before(before->got_100_continue, trace.got_100_continue);
    put_before(before->got_1xx_response, trace.got_1xx_response);
    put_before(before->connect_start, trace.connect_start);
    put_before(before->connect_done, trace.connect_done);
    put_before(before->tls_handshake_start, trace.tls_handshake_start);
    put_before(before->tls_handshake_done, trace.tls_handshake_done);
    put_before(before->wrote_headers, trace.wrote_headers);
    put_before(before->wait_100_continue, trace.wait_100_continue);
    put_before(before->wrote_request, trace.wrote_request);
  }
  return context::with_value(ctx, trace_key(), std::move(trace));
}

const client_trace* context_client_trace(const context::context& ctx) { return ctx.value<client_trace>(trace_key()); }

}  // namespace gossamer::inline v0::http
