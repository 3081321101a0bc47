// http/reverse_proxy: a handler that passes requests on to other servers, and their answers back.
// Source: Go's httputil.ReverseProxy. Differs: there is no Director; what a client sends behind an answer that comes
// early goes on to be passed on; trailers of requests are passed on, too.
//
//   http::reverse_proxy proxy;
//   proxy.rewrite = [backend](http::proxy_request& p) {
//     p.set_url(backend);
//     p.set_x_forwarded();
//   };
//   http::listen_and_serve(":8080", proxy);
#pragma once

#include <functional>
#include <string_view>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../time.hpp"
#include "request.hpp"
#include "response.hpp"
#include "response_writer.hpp"
#include "round_tripper.hpp"
#include "url.hpp"

namespace gossamer::inline v0::http {

// What rewrite changes. Not to be kept.
struct GOSSAMER_API proxy_request {
  // As the client has sent it.
  const request& in;
  // As it will be sent: a copy, without the fields that are for one connection only, without Forwarded and
  // X-Forwarded-For, -Host and -Proto, and without what of the query is malformed. Its trailers come with the end of
  // the body: those of the client that are still named here, or were not announced; what is given a value here has
  // that.
  request& out;

  // To that scheme and host, with what comes in below that path: with `/base`, `/dir` becomes `/base/dir`. Queries are
  // joined. Host becomes the target's; to keep the client's: `p.out.host = p.in.host` behind it.
  void set_url(const url& target);
  // X-Forwarded-For gets the client's address, behind what it has in `out`; X-Forwarded-Host is the host that the
  // client has asked for, X-Forwarded-Proto `http` or `https`.
  void set_x_forwarded();
};

// A handler; a value, whose copies share the transport. The fields are set before it serves.
//
// What is for one connection only (Connection and what it names, Keep-Alive, Proxy-Authenticate, Proxy-Authorization,
// Proxy-Connection, Te, Trailer, Transfer-Encoding, Upgrade) is not passed on, either way, but for `Te: trailers` and
// what asks for another protocol: an answer of 101 joins the two connections until both directions have ended or one of
// them fails. Bodies are passed on as they come, 1xx answers and trailers as well. Where the client goes away the
// request that was passed on ends, by its context; where an answer breaks off the handler leaves with
// panic(abort_handler), so that the client sees that it is not whole.
class GOSSAMER_API reverse_proxy {
 public:
  // Says where a request goes, and what else is to be changed. Needed.
  std::function<void(proxy_request&)> rewrite{};
  // nil: default_transport().
  round_tripper transport{};
  // How long what has come of an answer's body may wait before it is sent; 0: until there is more, or all; < 0: not at
  // all. Event streams (`text/event-stream`) and bodies of unknown length never wait.
  time::duration flush_interval{0};
  // Takes a line without its end; nil: what the server's error_log is.
  std::function<void(std::string_view line)> error_log{};
  // Called with each answer, whatever its status, before it is passed on. An error goes to error_handler.
  std::function<gossamer::error(http::response&)> modify_response{};
  // Answers where there is no answer to be passed on; `r` is the request as it was to be sent. nil: 502, and the line
  // `http: proxy error: …` in the log.
  std::function<void(response_writer& w, request& r, const gossamer::error& err)> error_handler{};

  void serve_http(response_writer& w, request& r) const;
};

// To one server: its scheme, host and path are joined with those of requests as by set_url(). Host, Forwarded and
// X-Forwarded-Host and -Proto stay as the client has sent them, X-Forwarded-For gets its address behind what it has.
[[nodiscard]] GOSSAMER_API reverse_proxy new_single_host_reverse_proxy(url target);

}  // namespace gossamer::inline v0::http
