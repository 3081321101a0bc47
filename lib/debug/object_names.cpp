// object_names: see object_names.hpp.
#include "debug/object_names.hpp"

#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "gossamer/debug.hpp"

namespace gossamer::inline v0::debug {

namespace {

struct table {
  std::mutex guard;
  std::multimap<const void*, const object_name*> names;  // of equal addresses the last one counts
};

// Never destroyed: names may be statics.
table& the_table() {
  static table& t = *new table;
  return t;
}

std::atomic<std::size_t> how_many{0};

}  // namespace

object_name::object_name(const void* address, std::string name) : address_(address), name_(std::move(name)) {
  table& t = the_table();
  const std::scoped_lock hold(t.guard);
  t.names.emplace(address_, this);
  how_many.fetch_add(1, std::memory_order_relaxed);  // relaxed: a snapshot beside this may see it, or not
}

object_name::~object_name() {
  table& t = the_table();
  const std::scoped_lock hold(t.guard);
  for (auto i = t.names.lower_bound(address_); i != t.names.end(); ++i) {
    if (i->second == this) {
      t.names.erase(i);
      break;
    }
  }
  how_many.fetch_sub(1, std::memory_order_relaxed);
}

std::string name_of_object(const void* address) {
  if (address == nullptr || how_many.load(std::memory_order_relaxed) == 0) {
    return {};
  }
  table& t = the_table();
  const std::scoped_lock hold(t.guard);
  const auto [first, last] = t.names.equal_range(address);
  return first == last ? std::string() : std::prev(last)->second->name();
}

}  // namespace gossamer::inline v0::debug
