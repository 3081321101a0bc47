#include "http/proxy/hop_by_hop.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "http/field_lists.hpp"

namespace gossamer::inline v0::http {

namespace {

// RFC 2616, section 13.5.1, and what is not in it but sent.
constexpr std::array<std::string_view, 9> always{
    "Connection", "Proxy-Connection",  "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te",
    "Trailer",    "Transfer-Encoding", "Upgrade"};

// Where there are many, not one after the other: a peer could make that take very long.
void remove_named(header& h, std::vector<std::string> names) {
  constexpr std::size_t few = 8;
  if (names.size() <= few) {
    for (const std::string& name : names) {
      h.del(name);
    }
    return;
  }
  std::ranges::sort(names);
  header kept;
  for (const header::field& f : h) {
    if (!std::ranges::binary_search(names, f.name)) {
      kept.add(f.name, f.value);
    }
  }
  h = std::move(kept);
}

}  // namespace

void remove_hop_by_hop(header& trailers, const header& h) {
  // Both may be the same, and Connection may name itself: its values are gone then.
  std::vector<std::string> named;
  for (const header::field& f : h) {
    if (f.name == "Connection") {
      list_names(f.value, named);
    }
  }
  remove_named(trailers, std::move(named));
  for (const std::string_view name : always) {
    trailers.del(name);
  }
}

void remove_hop_by_hop(header& h) { remove_hop_by_hop(h, h); }

void remove_unpassed(header& fields, const header& h) {
  remove_hop_by_hop(fields, h);
  for (const std::string_view name : forwarding_fields) {
    fields.del(name);
  }
}

void append_fields(header& to, const header& from) {
  for (const header::field& f : from) {
    to.add(f.name, f.value);
  }
}

}  // namespace gossamer::inline v0::http
