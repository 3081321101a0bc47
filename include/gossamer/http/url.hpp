// http/url: addresses of resources, and the values of queries and forms.
// Source: Go's net/url; RFC 3986.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::http {

// A URL in its parts. `path` and `fragment` are decoded. A value; for one fiber at a time.
struct GOSSAMER_API url {
  std::string scheme;
  std::string opaque;
  std::string user;  // `name` or `name:password`, as it stands
  std::string host;  // with the port
  std::string path;
  std::string raw_path;      // as it stood, where the usual encoding of `path` is another
  bool force_query = false;  // a `?` without anything behind it
  std::string raw_query;     // without `?`
  std::string fragment;
};

// The target of a request: a path with its query, or absolute; no fragment. Error: `parse "X": invalid URI for
// request`.
[[nodiscard]] GOSSAMER_API std::pair<url, gossamer::error> parse_request_uri(std::string_view text);

}  // namespace gossamer::inline v0::http
