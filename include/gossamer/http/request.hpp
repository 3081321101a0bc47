// http/request: what a client asks for.
// Source: Go's http.Request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../io/interfaces.hpp"
#include "cookie.hpp"
#include "header.hpp"
#include "multipart.hpp"
#include "url.hpp"
#include "values.hpp"

namespace gossamer::inline v0::tls {
class connection_state;
}  // namespace gossamer::inline v0::tls

namespace gossamer::inline v0::http {

// `http: no such file`: what form_file() returns where the form has none of that name.
GOSSAMER_API extern const errors::sentinel missing_file;
// `request Content-Type isn't multipart/form-data`
GOSSAMER_API extern const errors::sentinel not_multipart;
// `no multipart boundary param in Content-Type`
GOSSAMER_API extern const errors::sentinel missing_boundary;

struct form_state;  // lib/http
struct response;

// A name and a password, of basic authentication.
struct credentials {
  std::string user;
  std::string password;
  friend bool operator==(const credentials&, const credentials&) = default;
};

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
  request& operator=(const request& other);  // no moves: a server goes on to use its own
  ~request();

  // As it was sent, any token: methods are told apart by case.
  std::string method;
  http::url url;
  std::string proto = "HTTP/1.1";
  int proto_major = 1;
  int proto_minor = 1;
  // Without Host.
  http::header header;
  // Never nil in a handler; reads io::eof where there is none. close() need not be called in a handler. For clients:
  // nil where there is none; http::no_body() says that its length, 0, is known.
  io::read_closer body;
  // For clients: the body once more, for redirects and for what is sent again. Nil: it cannot be had.
  std::function<std::pair<io::read_closer, gossamer::error>()> get_body;
  // -1: unknown. For clients: with a body that is not nil 0 is unknown, too.
  std::int64_t content_length = 0;
  // `chunked`, or empty.
  std::string transfer_encoding;
  // Whether the connection ends with this request.
  bool close = false;
  // `host`, `host:port`: the Host field, or the target's own.
  std::string host;
  // In a server: the names that were announced, if at most 500, and all once the body has been read to its end. For
  // clients: sent behind a body in chunks, where at least one name is here from the beginning; the values, and further
  // names, may be set until the body has told its end: by what it is read from, or before that. Where the answer was
  // there before that end, none that were set after the call began are sent; then, and when the call has returned,
  // nobody looks at them any more.
  http::header trailer;
  // `IP:port` of the client.
  std::string remote_addr;
  // The target as it was sent.
  std::string request_uri;
  // Over TLS: what was agreed on; else null.
  std::shared_ptr<const tls::connection_state> tls;
  // The pattern of the serve_mux that has chosen the handler.
  std::string pattern;
  // For clients: the redirect that this one follows; else null.
  std::shared_ptr<const http::response> response;

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

  // The first cookie of that name; no_cookie where there is none. Of all these, cookies that are faulty are left out,
  // and all are where there are more than 3,000.
  std::pair<http::cookie, gossamer::error> cookie(std::string_view name) const;
  std::vector<http::cookie> cookies() const;
  std::vector<http::cookie> cookies_named(std::string_view name) const;
  // For clients: adds name and value to the Cookie field, of which there is one. What may not stand in a value is
  // left out; a line's end in the name becomes a hyphen, all else of a name stays.
  void add_cookie(const http::cookie& c);

  // What Authorization says by the scheme Basic; none where it says nothing, or is malformed.
  std::optional<credentials> basic_auth() const;
  // For clients. Neither is secret but over TLS. The user's name has no colon.
  void set_basic_auth(std::string_view user, std::string_view password);

  // Reads the query into form(), and, of POST, PUT and PATCH, a body of `application/x-www-form-urlencoded` into
  // post_form() and, before the query's values, into form(). At most 10 MiB of it, where max_bytes_reader() has set no
  // other bound: `http: POST too large`. All that
  // could be read is there also where there is an error: that of reading the body, or parse_query()'s. What has been
  // read is not read again: then nil.
  gossamer::error parse_form();
  // The same, and a body of multipart/form-data: its texts are added to form() and post_form(), behind what is there,
  // and its files are in multipart_form(); up to max_memory bytes of them in memory, see
  // multipart::reader::read_form(). Error: parse_form()'s, after all was read; not_multipart, missing_boundary,
  // read_form()'s. The files on disk go when the handler has
  // returned, or with the last copy of the request.
  gossamer::error parse_multipart_form(std::int64_t max_memory);
  // What has been read; else empty. References are good as long as the request or a copy of it is there.
  values& form();
  values& post_form();
  // null where none was read.
  multipart::form* multipart_form() noexcept;
  // The first value of form(), of post_form(); empty where there is none. They read what has not been read, with up to
  // 32 MiB of files in memory, and forget errors. Views are good until that key is changed.
  std::string_view form_value(std::string_view key);
  std::string_view post_form_value(std::string_view key);
  // The first file of that name, and what the form says of it. Reads what has not been read. Errors: missing_file,
  // parse_multipart_form()'s.
  std::tuple<multipart::file, multipart::file_header, gossamer::error> form_file(std::string_view key);
  // For reading a body of multipart/form-data or multipart/mixed part by part: instead of parse_multipart_form(), once.
  // Errors: not_multipart, missing_boundary, `http: MultipartReader called twice`, `http: multipart handled by
  // ParseMultipartForm`.
  std::pair<multipart::reader, gossamer::error> multipart_reader();

  // For the library: makes it as new, and keeps its memory.
  void reset(context_source* source) noexcept;
  // The handler has returned: forms and their files go.
  void end() noexcept;

 private:
  struct path_pair {
    std::string name, value;
  };
  context_source* source_ = nullptr;
  mutable context::context context_;
  std::vector<path_pair> path_values_;
  std::size_t path_size_ = 0;
  form_state& forms();
  gossamer::error parse_post_form(values& into);
  std::pair<multipart::reader, gossamer::error> open_multipart(bool mixed_too) const;
  // Null until something of a form was read. Copies share it.
  std::shared_ptr<form_state> forms_;
};

// A body without a byte.
[[nodiscard]] GOSSAMER_API io::read_closer no_body();

}  // namespace gossamer::inline v0::http
