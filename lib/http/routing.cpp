#include "http/routing.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "gossamer/http/values.hpp"

namespace gossamer::inline v0::http {

namespace {

using kind = pattern::segment::kind;

// Takes the first segment off `path`, which begins with a slash; without that.
std::string_view take_segment(std::string_view& path) noexcept {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view s = path.substr(1, end - 1);
  path.remove_prefix(end);
  return s;
}

// Decoded, in `room` where it has to be.
std::string_view decoded(std::string_view segment, std::string& room) {
  if (segment.find('%') == segment.npos) {
    return segment;
  }
  auto [text, err] = path_unescape(segment);
  if (err) {
    return segment;
  }
  room = std::move(text);
  return room;
}

// The tree is walked by depth, with the more specific first: a literal, one segment, the rest. As no two patterns
// conflict, the first that matches is the most specific: if another one were, the two would differ first where this one
// has the more specific segment, and so conflict.
template <class Accept>
class walk {
 public:
  walk(const routing_query& q, const Accept& accept) noexcept
      : accept_(accept), with_slash_(q.with_slash), has_escapes_(q.path.find('%') != q.path.npos) {}

  const route* at(const routing_node& n, std::string_view path) const {
    if (path.empty()) {
      return with_slash_ ? at_slash(n) : accept_(n.here);
    }
    if (path == "/") {
      return at_slash(n);
    }
    std::string_view behind = path;
    std::string_view segment = take_segment(behind);
    std::string room;
    if (has_escapes_) {
      segment = decoded(segment, room);
    }
    if (const routing_node* const next = n.literals.find(segment)) {
      if (const route* const found = at(*next, behind)) {
        return found;
      }
    }
    if (const routing_node* const next = n.one(); next != nullptr && segment != "/") {
      if (const route* const found = at(*next, behind)) {
        return found;
      }
    }
    return accept_(n.rest);
  }

 private:
  // With nothing but a slash left.
  const route* at_slash(const routing_node& n) const {
    if (const routing_node* const end = n.literals.find("/")) {
      if (const route* const found = accept_(end->here)) {
        return found;
      }
    }
    return accept_(n.rest);
  }

  const Accept& accept_;
  bool with_slash_;
  bool has_escapes_;
};

// Calls visit(route) for each that some path could match that `segments` match too, and for some others.
template <class Visit>
void each_candidate(const routing_node& n, std::span<const pattern::segment> segments, const Visit& visit) {
  const auto each = [&visit](const route_list& list) {
    for (const route* r = list.first(); r != nullptr; r = r->next.get()) {
      visit(*r);
    }
  };
  each(n.rest);
  if (segments.empty()) {
    each(n.here);
    return;
  }
  const pattern::segment& s = segments.front();
  const bool rest = s.is == kind::rest;
  if (rest) {
    each(n.here);
  }
  const auto behind = rest ? segments : segments.subspan(1);
  if (s.is == kind::literal) {
    if (const routing_node* const next = n.literals.find(s.text)) {
      each_candidate(*next, behind, visit);
    }
  } else {
    n.literals.each([&](std::string_view, const routing_node& next) { each_candidate(next, behind, visit); });
  }
  if (n.one() != nullptr) {
    each_candidate(*n.one(), behind, visit);
  }
}

}  // namespace

routing_node& routing_node::add_one() {
  routing_node* node = one_.load(std::memory_order_relaxed);  // relaxed: the writer's own
  if (node == nullptr) {
    node = new routing_node;
    // release: pairs with the acquire in one().
    one_.store(node, std::memory_order_release);
  }
  return *node;
}

const route* routing_tree::conflict_with(const pattern& p) const {
  const routing_node* const root = p.host.empty() ? &any_host_ : hosts_.find(p.host);
  const route* first = nullptr;
  if (root != nullptr) {
    each_candidate(*root, p.segments, [&](const route& r) {
      // As in Go, those with a rest first.
      const auto rank = [](const route& of) { return std::pair(!of.pattern.has_rest(), of.order); };
      if ((first == nullptr || rank(r) < rank(*first)) && conflict_of(p, r.pattern)) {
        first = &r;
      }
    });
  }
  return first;
}

void routing_tree::add(std::unique_ptr<route> r) {
  const pattern& p = r->pattern;
  routing_node* n = p.host.empty() ? &any_host_ : &hosts_.add(p.host);
  if (!p.host.empty()) {
    has_hosts_.store(true, std::memory_order_release);
  }
  for (const pattern::segment& s : p.segments) {
    if (s.is == kind::rest) {
      n->rest.add(std::move(r));
      return;
    }
    n = s.is == kind::one ? &n->add_one() : &n->literals.add(s.text);
  }
  n->here.add(std::move(r));
}

const route* routing_tree::match(std::string_view host, const routing_query& q) const {
  const bool is_head = q.method == "HEAD";
  const auto accept = [&](const route_list& list) -> const route* {
    const route* best = nullptr;
    for (const route* r = list.first(); r != nullptr; r = r->next.get()) {
      const std::string& method = r->pattern.method;
      if (method.empty()) {
        best = best == nullptr ? r : best;
      } else if (method == q.method) {
        return r;
      } else if (is_head && method == "GET") {
        best = r;
      }
    }
    return best;
  };
  const walk from(q, accept);
  if (has_hosts() && !host.empty()) {
    if (const routing_node* const root = hosts_.find(host)) {
      if (const route* const found = from.at(*root, q.path)) {
        return found;
      }
    }
  }
  return from.at(any_host_, q.path);
}

void routing_tree::methods_of(std::string_view host, const routing_query& q, std::set<std::string_view>& to) const {
  const auto collect = [&to](const route_list& list) -> const route* {
    for (const route* r = list.first(); r != nullptr; r = r->next.get()) {
      if (!r->pattern.method.empty()) {
        to.insert(r->pattern.method);
      }
    }
    return nullptr;  // go on
  };
  const walk from(q, collect);
  if (const routing_node* const root = host.empty() ? nullptr : hosts_.find(host)) {
    from.at(*root, q.path);
  }
  from.at(any_host_, q.path);
  if (to.contains("GET")) {
    to.insert("HEAD");
  }
}

void set_path_values(request& r, const pattern& p, std::string_view path) {
  std::string room;
  for (const pattern::segment& s : p.segments) {
    if (s.is == kind::rest) {
      if (!s.text.empty()) {
        r.set_path_value(s.text, decoded(path.substr(1), room));
      }
      return;
    }
    const std::string_view its = take_segment(path);
    if (s.is == kind::one) {
      r.set_path_value(s.text, decoded(its, room));
    }
  }
}

bool is_exact(const pattern& p, const routing_query& q) noexcept {
  if (!p.has_rest()) {
    return true;
  }
  if (!q.with_slash && !q.path.ends_with('/')) {
    return false;
  }
  const auto slashes = static_cast<std::size_t>(std::ranges::count(q.path, '/')) + (q.with_slash ? 1 : 0);
  return p.segments.size() == slashes;
}

}  // namespace gossamer::inline v0::http
