// http/transport: connections to servers, kept for further requests.
// Source: Go's http.Transport. Differs: HTTP/1 only; no fiber of its own watches a connection that is idle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../net/conn.hpp"
#include "../time.hpp"
#include "header.hpp"
#include "request.hpp"
#include "response.hpp"
#include "round_tripper.hpp"
#include "url.hpp"

namespace gossamer::inline v0::tls {
class config;
}  // namespace gossamer::inline v0::tls

namespace gossamer::inline v0::http {

// `http: server gave HTTP response to HTTPS client`
GOSSAMER_API extern const errors::sentinel scheme_mismatch;

// Through which proxy a request goes: none, where the optional is empty.
using proxy_function = std::function<std::pair<std::optional<http::url>, gossamer::error>(const request& r)>;
// How a connection is made. `end` ends it.
using dial_function = std::function<std::pair<net::conn, gossamer::error>(
    const net::ending& end, std::string_view network, std::string_view address)>;

struct transport_once;  // lib/http/client

// In place, and shared by any number of fibers and clients; the fields are set before it is used. A client refers to
// it by its address, or better by a std::shared_ptr. When it goes its idle connections are closed; answers whose bodies
// are still being read keep what they need. It waits for functions of its own that dial for nobody any more, which
// their `end` tells to return.
//
// The fiber that asks writes the request and reads the answer's head. A body that is not at hand is written by a fiber
// of its own, on which round_trip() does not wait: the answer may be read while its request is still being written.
// When the answer has been read to its end and the request is not over 50 ms later, the connection ends, and with it
// the request; a read from its body that is still going on then is ended by closing that. The same holds where a call
// fails, or its context has ended. A reader that does not end so, 100 ms later, is left to itself: nobody waits for it,
// and what it still returns goes nowhere. What a body's reader throws ends the process.
class GOSSAMER_API transport {
 public:
  transport();
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  ~transport();

  // nil: none. Proxies are of the schemes http and https; others: `proxyconnect tcp: unsupported proxy scheme
  // "socks5"`. Requests to https: go through a tunnel (CONNECT); where the proxy refuses it the error is its status's
  // text.
  proxy_function proxy;
  // How connections below TLS are made; nil: by net::dialer, with happy eyeballs.
  dial_function dial_context;
  // Those that are encrypted: to servers of https: without a proxy, and to proxies of https:; nil: dial_context, and
  // TLS on top.
  dial_function dial_tls_context;
  // nil: as a config is made. Its server_name is the request's host where it has none. It should not offer h2.
  std::shared_ptr<const tls::config> tls_client_config;
  // 0: no limit.
  time::duration tls_handshake_timeout{0};
  // Each request has a connection of its own.
  bool disable_keep_alives = false;
  // Does not ask for gzip. Where it does, and the request has neither Accept-Encoding nor Range and is not HEAD, the
  // answer is uncompressed as it is read.
  bool disable_compression = false;
  // How many are kept idle; 0: no limit. And for each host; 0: 2. Less of either: none.
  int max_idle_conns = 0;
  int max_idle_conns_per_host = 0;
  // How many there are for each host, whatever they do; 0: no limit. Who comes beyond waits for one.
  int max_conns_per_host = 0;
  // How long one is kept idle; 0: no limit. Whatever it is, those that their servers have ended, or have spoken
  // on, are closed within 30 s; of conns of one's own only those that have a descriptor.
  time::duration idle_conn_timeout{0};
  // From the end of the request to the end of the answer's header; 0: no limit. Then the error is `net/http: timeout
  // awaiting response headers`.
  time::duration response_header_timeout{0};
  // A request with `Expect: 100-continue` sends its body when the server has asked for it, or this has passed; 0: at
  // once. Where the answer comes before that the body is not sent, and the connection ends (Go's sends it, unless one
  // side has said that the connection ends).
  time::duration expect_continue_timeout{0};
  // Sent to proxies with CONNECT.
  http::header proxy_connect_header;
  // Of an answer's header, and all 1xx before it; 0: 10 MiB.
  std::int64_t max_response_header_bytes = 0;

  // A request that a kept connection has failed before a byte of its answer came is sent again on another one, if it
  // can be: GET, HEAD, OPTIONS, TRACE, one with Idempotency-Key or X-Idempotency-Key, and whose body is none or can be
  // had anew (request::get_body). Whatever the method is, that holds where nothing of it could be written. The
  // request's context ends all of it, the reading of the body too: the error is the context's cause. It may have a
  // client_trace. Errors have Go's texts.
  round_trip_result round_trip(const request& r);
  // Of one that was not used yet: nothing, and its fields may still be set.
  void close_idle_connections();
  // A new one with the same fields, and no connections.
  std::shared_ptr<transport> clone() const;

 private:
  std::unique_ptr<transport_once> state_;
};

// Of default_client(): proxy_from_environment, 100 idle connections, for 90 s, 10 s for the handshake, 1 s for
// `100 Continue`. Its fields are to be changed before it is used. Lives until the process ends.
[[nodiscard]] GOSSAMER_API const std::shared_ptr<transport>& default_transport();

// As HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower case names) say, which are read once. Source: Go's
// http.ProxyFromEnvironment.
[[nodiscard]] GOSSAMER_API std::pair<std::optional<http::url>, gossamer::error> proxy_from_environment(
    const request& r);
// Always the same one. Source: Go's http.ProxyURL.
[[nodiscard]] GOSSAMER_API proxy_function proxy_url(http::url fixed);

}  // namespace gossamer::inline v0::http
