#include "gossamer/http/response.hpp"

#include "gossamer/io.hpp"
#include "http/cookie_text.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel no_location{"http: no Location header in response"};

namespace {

struct nothing {
  static io::result read(std::span<std::byte>) noexcept { return {0, io::eof}; }
};

}  // namespace

std::vector<cookie> response::cookies() const {
  std::vector<cookie> all;
  const std::vector<std::string_view> lines = header.values("Set-Cookie");
  if (lines.size() > max_cookies) {
    return all;
  }
  for (const std::string_view line : lines) {
    if (auto [c, err] = parse_set_cookie(line); !err) {
      all.push_back(std::move(c));
    }
  }
  return all;
}

std::pair<http::url, gossamer::error> response::location() const {
  const std::string_view where = header.get("Location");
  if (where.empty()) {
    return {http::url(), no_location};
  }
  return request ? request->url.parse(where) : parse_url(where);
}

bool response::proto_at_least(int major, int minor) const noexcept {
  return proto_major > major || (proto_major == major && proto_minor >= minor);
}

// Always the same one, so that it can be told from others.
io::read_closer no_body() {
  static const io::read_closer& none = *new io::read_closer(io::nop_closer(nothing()));
  return none;
}

}  // namespace gossamer::inline v0::http
