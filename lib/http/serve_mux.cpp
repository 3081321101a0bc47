#include "gossamer/http/serve_mux.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/paths.hpp"
#include "http/quote.hpp"
#include "http/routing.hpp"

namespace gossamer::inline v0::http {

struct mux_state {
  routing_tree tree;
  // Held by who adds to the tree.
  sync::mutex guard;
  std::uint64_t registered = 0;
};

namespace {

// What is to be done with a request.
struct choice {
  enum class kind { found, add_slash, clean, refuse };
  kind is = kind::found;
  // Found, or what will match after the redirect; null where nothing does.
  const route* chosen = nullptr;
  // Of the request's url, or of `room`.
  path_segments path;
  std::string_view host;
  std::string room;
};

std::string_view without_port(std::string_view host) {
  if (host.find(':') == host.npos) {
    return host;
  }
  // What net::split_host_port() takes apart: a name has no colon, brackets hold all else.
  const std::size_t colon = host.rfind(':');
  if (host.front() != '[') {
    return host.find(':') == colon && host.find_first_of("[]") == host.npos ? host.substr(0, colon) : host;
  }
  const std::size_t close = host.find(']');
  return close != host.npos && close + 1 == colon && host.find('[', 1) == host.npos &&
                 host.find(']', close + 1) == host.npos
             ? host.substr(1, close - 1)
             : host;
}

// `path`, as it was sent, with the query of the request.
std::string place_of(std::string_view path, const request& r) {
  url u;
  auto [decoded, err] = path_unescape(path);
  u.path = err ? std::string(path) : std::move(decoded);
  u.raw_path = path;
  u.raw_query = r.url.raw_query;
  return u.text();
}

handler redirect_to(const std::string& path, const request& r) {
  return redirect_handler(place_of(path, r), status_temporary_redirect);
}

// The route with which /tree becomes /tree/; null if it does not.
const route* slash_redirect(const routing_tree& tree, std::string_view host, const request& r, path_segments& path,
                            const route* matched) {
  if (!path.path().starts_with('/') || path.ends_with_slash() ||
      (matched != nullptr && is_exact(matched->pattern, path))) {
    return nullptr;
  }
  path.let_end_with_slash(true);
  const route* const found = tree.match(host, r.method, path);
  const bool exact = found != nullptr && is_exact(found->pattern, path);
  path.let_end_with_slash(false);
  return exact ? found : nullptr;
}

// Nothing matches: 405 with the methods by which something would, or 404.
handler refusal(const routing_tree& tree, std::string_view host, path_segments& path) {
  std::set<std::string_view> methods;
  tree.methods_of(host, path, methods);
  if (!path.ends_with_slash()) {
    path.let_end_with_slash(true);
    tree.methods_of(host, path, methods);
  }
  if (methods.empty()) {
    return not_found_handler();
  }
  std::string allow;
  for (const std::string_view m : methods) {
    allow.append(allow.empty() ? "" : ", ").append(m);
  }
  return [allow](response_writer& w, request&) {
    w.header().set("Allow", allow);
    http::error(w, status_text(status_method_not_allowed), status_method_not_allowed);
  };
}

void choose_for_connect(const routing_tree& tree, const request& r, choice& c) {
  c.room = r.url.escaped_path();
  c.path.take(c.room);
  c.host = r.url.host;
  c.chosen = slash_redirect(tree, c.host, r, c.path, tree.match(c.host, r.method, c.path));
  if (c.chosen != nullptr) {
    c.is = choice::kind::add_slash;
    return;
  }
  c.chosen = tree.match(r.host, r.method, c.path);
  c.is = c.chosen != nullptr ? choice::kind::found : choice::kind::refuse;
}

void choose(const routing_tree& tree, const request& r, choice& c) {
  if (r.method == "CONNECT") {
    choose_for_connect(tree, r, c);
    return;
  }
  bool clean = true;
  if (!r.url.raw_path.empty() || !c.path.take_ordinary(r.url.path)) {
    const std::string sent = r.url.escaped_path();
    c.room = clean_absolute_path(sent);
    c.path.take(c.room);
    clean = c.room == sent;
  }
  c.host = tree.has_hosts() ? without_port(r.host) : std::string_view();
  c.chosen = tree.match(c.host, r.method, c.path);
  if (const route* const below = slash_redirect(tree, c.host, r, c.path, c.chosen)) {
    c.chosen = below;
    c.is = choice::kind::add_slash;
  } else if (!clean) {
    c.is = choice::kind::clean;
  } else if (c.chosen == nullptr) {
    c.is = choice::kind::refuse;
  }
}

// Who answers in the place of a route, and the pattern.
std::pair<handler, std::string> stand_in(const routing_tree& tree, const request& r, choice& c) {
  if (c.is == choice::kind::refuse) {
    return {refusal(tree, c.host, c.path), ""};
  }
  std::string path(c.path.path());
  if (c.is == choice::kind::add_slash) {
    path += '/';
    // As Go has it.
    return {redirect_to(path, r), r.method == "CONNECT" ? r.url.path + "/" : c.chosen->pattern.text};
  }
  return {redirect_to(path, r), c.chosen != nullptr ? c.chosen->pattern.text : ""};
}

}  // namespace

serve_mux::serve_mux() : state_(std::make_shared<mux_state>()) {}
serve_mux::serve_mux(const serve_mux& other) noexcept = default;
serve_mux& serve_mux::operator=(const serve_mux& other) noexcept = default;
serve_mux::~serve_mux() = default;

void serve_mux::handle(std::string_view pattern, handler h, here where) const {
  if (pattern.empty()) {
    panic(errors::make("http: invalid pattern"));
  }
  if (!h) {
    panic(errors::make("http: nil handler"));
  }
  auto [p, err] = parse_pattern(pattern);
  if (err) {
    panic(errors::wrap(err, "parsing ", quote(pattern)));
  }
  p.place = std::string(where.file_name()) + ":" + std::to_string(where.line());

  const std::lock_guard lock(state_->guard);
  if (const route* const other = state_->tree.conflict_with(p)) {
    const auto named = [](const http::pattern& it) {
      return "pattern " + quote(it.text) + " (registered at " + it.place + ")";
    };
    panic(errors::make(named(p), " conflicts with ", named(other->pattern), ":\n", *conflict_of(p, other->pattern)));
  }
  auto r = std::make_unique<route>(std::move(p), std::move(h));
  r->order = state_->registered++;
  state_->tree.add(std::move(r));
}

std::pair<handler, std::string> serve_mux::handler_of(const request& r) const {
  choice c;
  choose(state_->tree, r, c);
  if (c.is != choice::kind::found) {
    return stand_in(state_->tree, r, c);
  }
  return {c.chosen->handler, c.chosen->pattern.text};
}

void serve_mux::serve_http(response_writer& w, request& r) const {
  if (r.request_uri == "*") {
    if (r.proto_at_least(1, 1)) {
      w.header().set("Connection", "close");
    }
    w.write_header(status_bad_request);
    return;
  }
  choice c;
  choose(state_->tree, r, c);
  if (c.is != choice::kind::found) {
    auto [h, pattern] = stand_in(state_->tree, r, c);
    r.pattern = std::move(pattern);
    h.serve_http(w, r);
    return;
  }
  r.pattern = c.chosen->pattern.text;
  set_path_values(r, *c.chosen, c.path);
  c.chosen->handler.serve_http(w, r);
}

const serve_mux& default_serve_mux() {
  // Never destroyed: servers may still run when the process ends.
  static const serve_mux& mux = *new serve_mux;
  return mux;
}

void handle(std::string_view pattern, handler h, serve_mux::here where) {
  default_serve_mux().handle(pattern, std::move(h), where);
}

}  // namespace gossamer::inline v0::http
