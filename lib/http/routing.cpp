#include "http/routing.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "gossamer/http/values.hpp"

namespace gossamer::inline v0::http {

namespace {

using kind = pattern::segment::kind;

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
  walk(const path_segments& path, const Accept& accept) noexcept : path_(path), accept_(accept) {}

  // From this node, with the segments from `i` on.
  const route* at(const routing_node* n, std::size_t i) const {
    for (;; i++) {
      if (path_.is_last_slash(i)) {
        return at_slash(*n);
      }
      if (i == path_.size()) {
        return accept_(n->here);
      }
      const auto [literal, one] = path_.has_escapes() ? nodes_of_escaped(*n, path_[i]) : nodes_of(*n, path_[i]);
      // The last thing to be tried needs no way back.
      const bool rest = n->rest.first() != nullptr;
      if (literal != nullptr && (one != nullptr || rest)) {
        if (const route* const found = at(literal, i + 1)) {
          return found;
        }
      } else if (literal != nullptr) {
        n = literal;
        continue;
      }
      if (one == nullptr) {
        return accept_(n->rest);
      }
      if (rest) {
        const route* const found = at(one, i + 1);
        return found != nullptr ? found : accept_(n->rest);
      }
      n = one;
    }
  }

 private:
  // Where a segment leads: as a literal, and as one that a wildcard matches.
  static std::pair<const routing_node*, const routing_node*> nodes_of(const routing_node& n, std::string_view segment) {
    return {n.literals().find(segment), n.one()};
  }
  static std::pair<const routing_node*, const routing_node*> nodes_of_escaped(const routing_node& n,
                                                                              std::string_view segment) {
    std::string room;
    segment = decoded(segment, room);
    return {n.literals().find(segment), segment == "/" ? nullptr : n.one()};
  }

  // With nothing but a slash left.
  const route* at_slash(const routing_node& n) const {
    if (const routing_node* const end = n.literals().find("/")) {
      if (const route* const found = accept_(end->here)) {
        return found;
      }
    }
    return accept_(n.rest);
  }

  const path_segments& path_;
  const Accept& accept_;
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
    if (const routing_node* const next = n.literals().find(s.text)) {
      each_candidate(*next, behind, visit);
    }
  } else {
    n.literals().each([&](const routing_node& next) { each_candidate(next, behind, visit); });
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
    n = s.is == kind::one ? &n->add_one() : &n->literals().add(s.text);
  }
  n->here.add(std::move(r));
}

const route* routing_tree::match(std::string_view host, std::string_view method, const path_segments& path) const {
  static const hashed get("GET");
  const hashed asked(method);
  const bool is_head = method == "HEAD";
  const auto accept = [&](const route_list& list) -> const route* {
    const route* best = nullptr;
    for (const route* r = list.first(); r != nullptr; r = r->next.get()) {
      if (r->method == asked) {
        return r;
      }
      if (r->method.text.empty()) {
        best = best == nullptr ? r : best;
      } else if (is_head && r->method == get) {
        best = r;
      }
    }
    return best;
  };
  const walk from(path, accept);
  if (has_hosts() && !host.empty()) {
    if (const routing_node* const root = hosts_.find(host)) {
      if (const route* const found = from.at(root, 0)) {
        return found;
      }
    }
  }
  return from.at(&any_host_, 0);
}

void routing_tree::methods_of(std::string_view host, const path_segments& path, std::set<std::string_view>& to) const {
  const auto collect = [&to](const route_list& list) -> const route* {
    for (const route* r = list.first(); r != nullptr; r = r->next.get()) {
      if (!r->method.text.empty()) {
        to.insert(r->method.text);
      }
    }
    return nullptr;  // go on
  };
  const walk from(path, collect);
  if (const routing_node* const root = host.empty() ? nullptr : hosts_.find(host)) {
    from.at(root, 0);
  }
  from.at(&any_host_, 0);
  if (to.contains("GET")) {
    to.insert("HEAD");
  }
}

void set_path_values(request& r, const route& chosen, const path_segments& path) {
  const pattern& p = chosen.pattern;
  for (const auto& [i, name] : chosen.wildcards) {
    const std::string_view its = p.segments[i].is == kind::rest ? path.from(i) : path[i];
    if (path.has_escapes()) {
      std::string room;
      r.set_path_value(name, decoded(its, room));
    } else {
      r.set_path_value(name, its);
    }
  }
}

bool is_exact(const pattern& p, const path_segments& path) noexcept {
  return !p.has_rest() || (path.ends_with_slash() && p.segments.size() == path.size());
}

}  // namespace gossamer::inline v0::http
