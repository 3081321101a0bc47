// http/request: what a client asks for.
// Source: Go's http.Request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/interfaces.hpp"
#include "header.hpp"
#include "url.hpp"

namespace gossamer::inline v0::tls {
class connection_state;
}  // namespace gossamer::inline v0::tls

namespace gossamer::inline v0::http {

// Where a request has its context from, if it was not given one. For the library.
class GOSSAMER_API context_source {
 public:
  virtual context::context make_context() = 0;

 protected:
  ~context_source() = default;
};

// A request. In a server it belongs to the fiber that serves it, until the handler returns; a copy (its body is the
// same) may live longer.
class GOSSAMER_API request {
 public:
  request() = default;
  request(const request& other);
  request(request&& other) noexcept;
  request& operator=(const request& other);
  request& operator=(request&& other) noexcept;
  ~request();

  // As it was sent, any token: methods are told apart by case.
  std::string method;
  http::url url;
  std::string proto = "HTTP/1.1";
  int proto_major = 1;
  int proto_minor = 1;
  // Without Host.
  http::header header;
  // Never nil in a handler; reads io::eof where there is none. close() need not be called in a handler.
  io::read_closer body;
  // -1: unknown.
  std::int64_t content_length = 0;
  // `chunked`, or empty.
  std::string transfer_encoding;
  // Whether the connection ends with this request.
  bool close = false;
  // `host`, `host:port`: the Host field, or the target's own.
  std::string host;
  // Complete once the body has been read to its end.
  http::header trailer;
  // `IP:port` of the client.
  std::string remote_addr;
  // The target as it was sent.
  std::string request_uri;
  // Over TLS: what was agreed on; else null.
  std::shared_ptr<const tls::connection_state> tls;
  // The pattern of the serve_mux that has chosen the handler.
  std::string pattern;

  // Ends when the client's connection ends, and when the handler returns. It has the values of server_context_key and
  // local_addr_context_key. That of a request that was not made by a server is background().
  const context::context& context() const;
  // A copy with this context. Panics with `nil context`.
  request with_context(context::context ctx) const;
  // The same in place.
  void set_context(context::context ctx);

  // What the pattern's wildcard of that name has matched; else empty.
  std::string_view path_value(std::string_view name) const noexcept;
  void set_path_value(std::string_view name, std::string_view value);

  // Whether the protocol is this version or a later one.
  bool proto_at_least(int major, int minor) const noexcept;
  std::string_view referer() const noexcept { return header.get("Referer"); }
  std::string_view user_agent() const noexcept { return header.get("User-Agent"); }

  // For the library: makes it as new, and keeps its memory.
  void reset(context_source* source) noexcept;

 private:
  struct path_pair {
    std::string name, value;
  };
  context_source* source_ = nullptr;
  mutable context::context context_;
  std::vector<path_pair> path_values_;
  std::size_t path_size_ = 0;
};

}  // namespace gossamer::inline v0::http
