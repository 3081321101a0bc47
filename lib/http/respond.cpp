#include "gossamer/http/respond.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "gossamer/http/url.hpp"
#include "http/cut.hpp"
#include "http/html.hpp"
#include "http/paths.hpp"
#include "http/restored.hpp"

namespace gossamer::inline v0::http {

void error(response_writer& w, std::string_view text, int code, response_writer::here where) {
  header& h = w.header();
  h.del("Content-Length");
  h.set("Content-Type", "text/plain; charset=utf-8");
  h.set("X-Content-Type-Options", "nosniff");
  std::string line(text);
  line += '\n';
  w.write_header(code, where);
  w.write(line);
}

void not_found(response_writer& w, request&) { error(w, "404 page not found", status_not_found); }
handler not_found_handler() { return not_found; }

namespace {

// `target`, which has no scheme and no host, as an absolute path that is clean.
std::string absolute_path(const request& r, std::string_view target) {
  std::string all;
  if (!target.starts_with('/')) {
    all = r.url.escaped_path();
    all = all.empty() ? "/" : all.substr(0, all.rfind('/') + 1);  // of npos: 0
  }
  all += target;
  const std::size_t query = std::min(all.find('?'), all.size());
  const std::string_view path = std::string_view(all).substr(0, query);
  std::string to = clean_path(path);
  if (path.ends_with('/') && !to.ends_with('/')) {
    to += '/';
  }
  return to.append(all, query);
}

// Bytes over 0x7f as %xx.
std::string escape_non_ascii(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string to;
  to.reserve(text.size());
  for (const char c : text) {
    if (const auto byte = static_cast<unsigned char>(c); byte >= 0x80) {
      ((to += '%') += hex[byte >> 4U]) += hex[byte & 15U];
    } else {
      to += c;
    }
  }
  return to;
}

}  // namespace

void redirect(response_writer& w, request& r, std::string_view url, int code, response_writer::here where) {
  const auto [target, err] = parse_url(url);
  const bool relative = !err && !target.is_abs() && target.host.empty();
  const std::string to = relative ? absolute_path(r, url) : std::string(url);

  header& h = w.header();
  const bool with_page = !h.has("Content-Type");
  h.set("Location", escape_non_ascii(to));
  if (with_page && (r.method == "GET" || r.method == "HEAD")) {
    h.set("Content-Type", "text/html; charset=utf-8");
  }
  w.write_header(code, where);
  if (with_page && r.method == "GET") {
    w.write("<a href=\"" + html_escape(to) + "\">" + std::string(status_text(code)) + "</a>.\n\n");
  }
}

handler redirect_handler(std::string url, int code) {
  return [url = std::move(url), code](response_writer& w, request& r) { redirect(w, r, url, code); };
}

handler strip_prefix(std::string prefix, handler h) {
  if (prefix.empty()) {
    return h;
  }
  return [prefix = std::move(prefix), h = std::move(h)](response_writer& w, request& r) {
    const auto begins = [&prefix](const std::string& path) { return path.starts_with(prefix); };
    if (!begins(r.url.path) || !(r.url.raw_path.empty() || begins(r.url.raw_path))) {
      not_found(w, r);
      return;
    }
    const restored path(r.url.path, r.url.path.substr(prefix.size()));
    const restored raw(r.url.raw_path, r.url.raw_path.substr(std::min(prefix.size(), r.url.raw_path.size())));
    h.serve_http(w, r);
  };
}

handler allow_query_semicolons(handler h) {
  return [h = std::move(h)](response_writer& w, request& r) {
    if (r.url.raw_query.find(';') == std::string::npos) {
      h.serve_http(w, r);
      return;
    }
    std::string query = r.url.raw_query;
    std::ranges::replace(query, ';', '&');
    const restored changed(r.url.raw_query, std::move(query));
    h.serve_http(w, r);
  };
}

}  // namespace gossamer::inline v0::http
