// http/values: what a query or a form holds, lists of values by key.
// Source: Go's url.Values. Differs: it keeps its keys in order.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::http {

// Lists of values by key; keys are told apart by case. A value, copied deep; for one fiber at a time. A loop over it
// has pairs of a key and its list, sorted by key. Views of values are good until that key is changed.
class GOSSAMER_API values {
 public:
  using list = std::vector<std::string>;
  using map = std::map<std::string, list, std::less<>>;
  using value_type = map::value_type;
  using iterator = map::iterator;
  using const_iterator = map::const_iterator;

  values() = default;
  // Adds each pair.
  values(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

  // The first value; empty where there is none.
  std::string_view get(std::string_view key) const noexcept;
  // All of them; an empty list where there is none.
  const list& all(std::string_view key) const noexcept;
  // The list, which is made where there is none.
  list& operator[](std::string_view key);
  bool has(std::string_view key) const noexcept { return map_.contains(key); }
  // Puts the value in the place of all of that key.
  void set(std::string_view key, std::string_view value);
  // One more, behind all others.
  void add(std::string_view key, std::string_view value);
  void del(std::string_view key);
  void clear() noexcept { map_.clear(); }

  // The number of keys.
  std::size_t size() const noexcept { return map_.size(); }
  bool empty() const noexcept { return map_.empty(); }
  iterator begin() noexcept { return map_.begin(); }
  iterator end() noexcept { return map_.end(); }
  const_iterator begin() const noexcept { return map_.begin(); }
  const_iterator end() const noexcept { return map_.end(); }

  // `bar=baz&foo=quux`, sorted by key.
  std::string encode() const;

  friend bool operator==(const values& a, const values& b) = default;

 private:
  map map_;
};

// Reads `key=value&key=value`, with `+` for a blank; a key alone has an empty value. Returns all that can be read, and
// the first error: `invalid URL escape "%zz"`, `invalid semicolon separator in query`; with more than 10,000 pairs it
// reads none: `number of URL query parameters exceeded limit`.
[[nodiscard]] GOSSAMER_API std::pair<values, gossamer::error> parse_query(std::string_view query);
// The same: adds them to `into`.
[[nodiscard]] GOSSAMER_API gossamer::error parse_query(std::string_view query, values& into);

// For a place in a query: all but letters, digits and `-_.~` as %XX, a blank as `+`.
[[nodiscard]] GOSSAMER_API std::string query_escape(std::string_view text);
// For a segment of a path: `/` as %2F, a blank as %20.
[[nodiscard]] GOSSAMER_API std::string path_escape(std::string_view text);
// Back from there. Error: `invalid URL escape "%zz"`, an escape_error; the text is empty then.
[[nodiscard]] GOSSAMER_API std::pair<std::string, gossamer::error> query_unescape(std::string_view text);
[[nodiscard]] GOSSAMER_API std::pair<std::string, gossamer::error> path_unescape(std::string_view text);

}  // namespace gossamer::inline v0::http
