// http/respond: usual answers, and handlers that stand before others.
// Source: Go's http.Error, NotFound, Redirect, StripPrefix, AllowQuerySemicolons. Differs: what stands before a handler
// changes the request itself, and puts it back when the handler has returned or thrown.
#pragma once

#include <string>
#include <string_view>

#include "../detail/config.hpp"
#include "handler.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

// Answers with the status and `text` and a line's end, as plain text that is not sniffed. Content-Length is removed;
// what else was set stays. The text is not escaped. The handler should return then.
GOSSAMER_API void error(response_writer& w, std::string_view text, int code,
                        response_writer::here where = response_writer::here::current());

// 404: `404 page not found`.
GOSSAMER_API void not_found(response_writer& w, request& r);
[[nodiscard]] GOSSAMER_API handler not_found_handler();

// Sends the client to `url`, with a status of 3xx. One without scheme and host is made an absolute path (against that
// of the request), and cleaned of `.`, `..` and `//`. GET is answered with a page that has the link, unless a
// Content-Type was set.
GOSSAMER_API void redirect(response_writer& w, request& r, std::string_view url, int code,
                           response_writer::here where = response_writer::here::current());
// Redirects all requests.
[[nodiscard]] GOSSAMER_API handler redirect_handler(std::string url, int code);

// h, to which the path of the url (and raw_path, where there is one) is shown without `prefix`. A path that does not
// begin with it, as it stands: 404.
// mux.handle("/static/", http::strip_prefix("/static", files));
[[nodiscard]] GOSSAMER_API handler strip_prefix(std::string prefix, handler h);

// h, to which a `;` in the query is shown as `&`.
[[nodiscard]] GOSSAMER_API handler allow_query_semicolons(handler h);

}  // namespace gossamer::inline v0::http
