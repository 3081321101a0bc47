// http/serve_mux: chooses the handler of a request by its method, host and path.
// Source: Go's http.ServeMux. Differs: a handle; a wildcard's name may have anything beyond ASCII; values of wildcards
// of a mux around this one stay; an empty segment of a pattern matches empty ones only.
#pragma once

#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "handler.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

struct mux_state;  // lib/http

// Requests are matched with patterns, `[METHOD ][HOST]/[PATH]`:
//   /items/                  all below /items/, and that itself
//   GET /items/{id}          one segment; GET takes HEAD as well
//   example.com/             of this host, whatever the port
//   /files/{path...}         what is left, which may be empty
//   /items/{$}               /items/ alone (and /items/%2F, as in Go)
// Of several that match the one that is more specific counts: it matches a part of what the other matches; and one with
// a host before those without. Where neither is more specific, the second cannot be registered.
// What wildcards have matched, decoded, is in request::path_value(), and the pattern in request::pattern. Segments are
// what stands between the slashes of the path as it was sent: `%2F` separates nothing.
//
// A path with `.`, `..` or `//` is redirected (307) to the one without; so is /tree to /tree/ where only that is there.
// CONNECT's paths are taken as they are. No pattern matches: 404; one of another method: 405 with Allow.
//
// A handle: copies are the same mux, and the default is a new one. All calls may be made at the same time, from any
// fiber or thread; a match waits for nobody, and allocates nothing for a path without escapes and of at most 32
// segments, none of which begins with a dot.
class GOSSAMER_API serve_mux {
 public:
  using here = std::source_location;

  serve_mux();
  serve_mux(const serve_mux& other) noexcept;  // no move: it would leave none
  serve_mux& operator=(const serve_mux& other) noexcept;
  ~serve_mux();

  // Registers the handler. Panics where the pattern is malformed: `parsing "/a/{}": at offset 3: empty wildcard`, ...;
  // where it conflicts with another: `pattern "/a/{x}" (registered at F:L) conflicts with pattern "/a/{y}" (registered
  // at F:L): ...`; and with `http: nil handler`.
  void handle(std::string_view pattern, handler h, here where = here::current()) const;
  // The same, for a function.
  template <handler_function F>
  void handle_func(std::string_view pattern, F&& f, here where = here::current()) const {
    handle(pattern, handler(std::forward<F>(f)), where);
  }

  // Who answers this request, never nil, and the pattern: empty for 404 and 405, that of the new place for redirects.
  // Changes nothing in the request. Source: Go's ServeMux.Handler.
  [[nodiscard]] std::pair<handler, std::string> handler_of(const request& r) const;

  // Has it answered by its handler. `*` as its target: 400.
  void serve_http(response_writer& w, request& r) const;

  friend bool operator==(const serve_mux& a, const serve_mux& b) = default;

 private:
  std::shared_ptr<mux_state> state_;
};

// The mux of handle() and handle_func(), and of servers without a handler. Lives until the process ends.
[[nodiscard]] GOSSAMER_API const serve_mux& default_serve_mux();

// Registers with the default mux.
GOSSAMER_API void handle(std::string_view pattern, handler h, serve_mux::here where = serve_mux::here::current());
template <handler_function F>
void handle_func(std::string_view pattern, F&& f, serve_mux::here where = serve_mux::here::current()) {
  default_serve_mux().handle(pattern, handler(std::forward<F>(f)), where);
}

}  // namespace gossamer::inline v0::http
