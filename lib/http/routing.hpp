// routing: all patterns of a serve_mux, as a tree of segments.
// One writer at a time adds to it; readers wait for nobody, and see what was added before they began.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/http/handler.hpp"
#include "gossamer/http/request.hpp"
#include "http/path_segments.hpp"
#include "http/pattern.hpp"
#include "http/segment_table.hpp"

namespace gossamer::inline v0::http {

// A pattern and its handler. What a match looks at comes first.
struct route {
  explicit route(http::pattern p, http::handler h) noexcept : handler(std::move(h)), pattern(std::move(p)) {
    method = hashed(pattern.method);
    for (std::size_t i = 0; i < pattern.segments.size(); i++) {
      const http::pattern::segment& s = pattern.segments[i];
      if (s.is != http::pattern::segment::kind::literal && !s.text.empty()) {
        wildcards.emplace_back(i, s.text);
      }
    }
  }
  route(const route&) = delete;
  route& operator=(const route&) = delete;

  hashed method;  // a view of the pattern's
  // The next with the same path; another method.
  std::unique_ptr<const route> next;
  http::handler handler;
  // Numbers of segments, and names, which are views of the pattern's.
  std::vector<std::pair<std::size_t, std::string_view>> wildcards;
  http::pattern pattern;
  std::uint64_t order = 0;  // of registration
};

// Those whose paths are the same. The newest first, so that adding one is one store.
class route_list {
 public:
  route_list() = default;
  route_list(const route_list&) = delete;
  route_list& operator=(const route_list&) = delete;
  ~route_list() { delete first(); }

  // acquire: pairs with the release in add().
  const route* first() const noexcept { return first_.load(std::memory_order_acquire); }
  // The one writer.
  void add(std::unique_ptr<route> r) noexcept {
    r->next.reset(first_.load(std::memory_order_relaxed));  // relaxed: the writer's own
    // release: pairs with the acquire in first().
    first_.store(r.release(), std::memory_order_release);
  }

 private:
  std::atomic<const route*> first_{nullptr};
};

// What begins with the same segments.
class routing_node {
 public:
  route_list here;  // patterns that end here
  route_list rest;  // and those whose `rest` begins here

  // Literals; `/` for a slash at the end, by `{$}`.
  const segment_table<routing_node>& literals() const noexcept { return literals_; }
  segment_table<routing_node>& literals() noexcept { return literals_; }
  // Where a segment is a wildcard; null if there is none.
  // acquire: pairs with the release in add_one().
  const routing_node* one() const noexcept { return one_.load(std::memory_order_acquire); }
  routing_node& add_one();

  routing_node() = default;
  routing_node(const routing_node&) = delete;
  routing_node& operator=(const routing_node&) = delete;
  ~routing_node() { delete one_.load(std::memory_order_relaxed); }  // relaxed: nobody reads any more

 private:
  std::atomic<routing_node*> one_{nullptr};
  segment_table<routing_node> literals_;
};

class routing_tree {
 public:
  // The one writer. What the pattern conflicts with, else null. Of several the first that was registered, before others
  // one that ends in a rest.
  const route* conflict_with(const pattern& p) const;
  void add(std::unique_ptr<route> r);

  bool has_hosts() const noexcept { return has_hosts_.load(std::memory_order_acquire); }
  // The most specific one that matches; null if there is none.
  const route* match(std::string_view host, std::string_view method, const path_segments& path) const;
  // Adds the methods with which something would match.
  void methods_of(std::string_view host, const path_segments& path, std::set<std::string_view>& to) const;

 private:
  segment_table<routing_node> hosts_;
  routing_node any_host_;
  // release in add(), acquire in has_hosts().
  std::atomic<bool> has_hosts_{false};
};

// Gives the request what the wildcards have matched of this path.
void set_path_values(request& r, const route& chosen, const path_segments& path);

// Whether the pattern, which matches the path, does so without a `rest` that is not empty.
bool is_exact(const pattern& p, const path_segments& path) noexcept;

}  // namespace gossamer::inline v0::http
