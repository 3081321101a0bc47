// http/file_server: answers with the content of files.
// Source: Go's http.FileServer, ServeContent, ServeFile, ServeFileFS. Differs: see file_system; a range of no bytes
// (`bytes=-0`) does not count; numbers of ranges have no sign; names in redirects are encoded; pipes, devices and
// sockets do not exist, and neither do names that no file can have.
#pragma once

#include <chrono>
#include <string_view>

#include "../detail/config.hpp"
#include "../io/interfaces.hpp"
#include "file_system.hpp"
#include "handler.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

// Answers with the content, or with the part of it that the request asks for by Range, or by 304 or 412 where
// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since or If-Range say so.
//
// Unless w has a Content-Type it is told by name's extension, or else by the content (see detect_content_type());
// `name` is used for nothing else. A modtime other than the epoch goes into Last-Modified. An ETag of w, in quotes, is
// what the conditions are compared with. Content-Length is set, but for a whole that has a Content-Encoding. The
// content's size is where a seek to its end leads; one that cannot seek is a 500. An answer that is an error loses
// Cache-Control, Content-Encoding, ETag and Last-Modified. A range that is malformed or lies behind the end is a 416;
// more than 200, or more bytes than there are, and the whole is sent.
GOSSAMER_API void serve_content(response_writer& w, request& r, std::string_view name,
                                std::chrono::system_clock::time_point modtime, const io::read_seeker& content);

// Answers with a file, or a directory's `index.html`, or a list of what it holds; as file_server(). The path is the
// program's own (wherever its links lead), and has nothing to do with that of the request; but one with an element `..`
// is a 400, lest the path was made of it.
GOSSAMER_API void serve_file(response_writer& w, request& r, std::string_view path);
// The same from a file system; `name` is one of its names.
GOSSAMER_API void serve_file(response_writer& w, request& r, const file_system& from, std::string_view name);

// Answers with the file at the path of the url, by serve_content(). That of a directory with a slash: its `index.html`,
// or a list of what it holds; without one it is redirected (301) to it, as is a file with a slash, and `…/index.html`
// to `…/`. What is not there: 404; what may not be read: 403; else 500, without the reason. mux.handle("/static/",
// http::strip_prefix("/static", http::file_server(http::dir("public"))));
[[nodiscard]] GOSSAMER_API handler file_server(file_system root);

}  // namespace gossamer::inline v0::http
