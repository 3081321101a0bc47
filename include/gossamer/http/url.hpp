// http/url: addresses of resources.
// Source: Go's net/url; RFC 3986. Differs: what is wrong with an IPv6 address is not said in detail.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "values.hpp"

namespace gossamer::inline v0::http {

// What failed with which URL: `parse "http://[::1": missing ']' in host`. Source: Go's url.Error.
class GOSSAMER_API url_error final : public errors::base {
 public:
  url_error(std::string op, std::string url, gossamer::error err)
      : op_(std::move(op)), url_(std::move(url)), err_(std::move(err)) {}
  const std::string& op() const noexcept { return op_; }
  const std::string& url() const noexcept { return url_; }
  const gossamer::error& err() const noexcept { return err_; }
  std::string text() const override;
  bool timeout() const override { return err_.timeout(); }
  gossamer::error unwrap() const override { return err_; }

 private:
  std::string op_;
  std::string url_;
  gossamer::error err_;
};

// A `%` that two hexadecimal digits do not follow, or that may not stand there: `invalid URL escape "%zz"`. Source:
// Go's url.EscapeError.
class GOSSAMER_API escape_error final : public errors::base {
 public:
  explicit escape_error(std::string escape) : escape_(std::move(escape)) {}
  const std::string& escape() const noexcept { return escape_; }
  std::string text() const override;

 private:
  std::string escape_;
};

// `invalid character " " in host name`. Source: Go's url.InvalidHostError.
class GOSSAMER_API invalid_host_error final : public errors::base {
 public:
  explicit invalid_host_error(std::string character) : character_(std::move(character)) {}
  const std::string& character() const noexcept { return character_; }
  std::string text() const override;

 private:
  std::string character_;
};

// A name, and perhaps a password, decoded. Source: Go's url.User and url.UserPassword.
class GOSSAMER_API userinfo {
 public:
  explicit userinfo(std::string username) : username_(std::move(username)) {}
  userinfo(std::string username, std::string password)
      : username_(std::move(username)), password_(std::move(password)) {}
  const std::string& username() const noexcept { return username_; }
  // Whether it has one: `name:@host` has an empty one.
  const std::optional<std::string>& password() const noexcept { return password_; }
  // Encoded: `name` or `name:password`.
  std::string text() const;

  friend bool operator==(const userinfo& a, const userinfo& b) = default;

 private:
  std::string username_;
  std::optional<std::string> password_;
};

// A URL in its parts: [scheme:][//[user@]host][/]path[?raw_query][#fragment], or scheme:opaque[?raw_query][#fragment].
// A value; for one fiber at a time.
struct GOSSAMER_API url {
  std::string scheme;  // in lower case
  std::string opaque;  // encoded
  std::optional<userinfo> user;
  std::string host;          // `host` or `host:port`; an IPv6 address in brackets
  std::string path;          // decoded
  std::string raw_path;      // as it stood, where the usual encoding of `path` is another
  std::string raw_query;     // encoded, without `?`
  std::string fragment;      // decoded, without `#`
  std::string raw_fragment;  // as raw_path
  bool force_query = false;  // a `?` without anything behind it
  bool omit_host = false;    // `scheme:/path`: a scheme, but no `//`

  // The whole, from its parts.
  std::string text() const;
  // The same with the password as `xxxxx`.
  std::string redacted() const;
  // `path`, encoded: raw_path if it is an encoding of `path`, else the usual one.
  std::string escaped_path() const;
  std::string escaped_fragment() const;
  // What a client sends: the path (`/` where there is none) or `opaque`, and the query.
  std::string request_uri() const;
  // What the query holds; pairs that are malformed are left out (see parse_query()).
  values query() const;
  // The host without a port and brackets; the port, empty where there is none. Views of `host`.
  std::string_view hostname() const noexcept;
  std::string_view port() const noexcept;
  // Whether it has a scheme.
  bool is_abs() const noexcept { return !scheme.empty(); }

  // What `ref` means on the page at this URL, as RFC 3986 has it.
  url resolve_reference(const url& ref) const;
  // The same for a text. Error: as parse_url().
  std::pair<url, gossamer::error> parse(std::string_view ref) const;
  // With the elements (encoded) behind the path, which is then cleaned as redirect() cleans it; a slash at the
  // end stays.
  template <std::convertible_to<std::string_view>... Elements>
  url join_path(const Elements&... elements) const {
    return join_path(std::initializer_list<std::string_view>{elements...});
  }
  url join_path(std::span<const std::string_view> elements) const;
  url join_path(std::initializer_list<std::string_view> elements) const {
    return join_path(std::span(elements.begin(), elements.size()));
  }

  // Makes it empty, and keeps its memory.
  void clear() noexcept;

  friend bool operator==(const url& a, const url& b) = default;
};

// Any URL, relative ones too. Error: a url_error, `parse "X": first path segment in URL cannot contain colon`, ...; the
// url is empty then.
[[nodiscard]] GOSSAMER_API std::pair<url, gossamer::error> parse_url(std::string_view text);

// The target of a request: a path with its query, or absolute; no fragment. Error: a url_error, `parse "X": invalid URI
// for request`, ...; the url is empty then.
[[nodiscard]] GOSSAMER_API std::pair<url, gossamer::error> parse_request_uri(std::string_view text);
// The same into a url that has been used, whose memory is used again. `text` is no view of it.
[[nodiscard]] GOSSAMER_API gossamer::error parse_request_uri(std::string_view text, url& into);

}  // namespace gossamer::inline v0::http
