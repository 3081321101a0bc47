#include "gossamer/http/values.hpp"

#include <algorithm>

#include "gossamer/errors.hpp"
#include "http/cut.hpp"
#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

values::values(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  for (const auto& [key, value] : pairs) {
    add(key, value);
  }
}

const values::list& values::all(std::string_view key) const noexcept {
  static const list none;
  const auto at = map_.find(key);
  return at == map_.end() ? none : at->second;
}

std::string_view values::get(std::string_view key) const noexcept {
  const list& its = all(key);
  return its.empty() ? std::string_view() : std::string_view(its.front());
}

values::list& values::operator[](std::string_view key) {
  const auto at = map_.lower_bound(key);
  return at != map_.end() && at->first == key ? at->second : map_.emplace_hint(at, key, list())->second;
}

void values::set(std::string_view key, std::string_view value) {
  std::string own(value);  // which may be a view of what is here
  list& its = (*this)[key];
  its.clear();
  its.push_back(std::move(own));
}

void values::add(std::string_view key, std::string_view value) { (*this)[key].emplace_back(value); }

void values::del(std::string_view key) {
  if (const auto at = map_.find(key); at != map_.end()) {
    map_.erase(at);
  }
}

std::string values::encode() const {
  std::string to;
  for (const auto& [key, its] : map_) {
    for (const std::string& value : its) {
      if (!to.empty()) {
        to += '&';
      }
      append_escaped(to, key, place::query);
      to += '=';
      append_escaped(to, value, place::query);
    }
  }
  return to;
}

gossamer::error parse_query(std::string_view query, values& into) {
  constexpr std::ptrdiff_t most = 10'000;
  if (std::ranges::count(query, '&') >= most) {
    return errors::make("number of URL query parameters exceeded limit");
  }
  gossamer::error first;
  const auto keep = [&first](gossamer::error err) {
    if (!first) {
      first = std::move(err);
    }
  };
  while (!query.empty()) {
    std::string_view pair;
    std::tie(pair, query) = cut(query, '&');
    if (pair.find(';') != pair.npos) {
      // Go lets this one take the place of those before it.
      first = errors::make("invalid semicolon separator in query");
      continue;
    }
    if (pair.empty()) {
      continue;
    }
    const auto [key_text, value_text] = cut(pair, '=');
    std::string key;
    std::string value;
    auto err = append_unescaped(key, key_text, place::query);
    if (!err) {
      err = append_unescaped(value, value_text, place::query);
    }
    if (err) {
      keep(std::move(err));
      continue;
    }
    into[key].push_back(std::move(value));
  }
  return first;
}

std::pair<values, gossamer::error> parse_query(std::string_view query) {
  std::pair<values, gossamer::error> result;
  result.second = parse_query(query, result.first);
  return result;
}

namespace {

std::pair<std::string, gossamer::error> unescaped(std::string_view text, place where) {
  std::pair<std::string, gossamer::error> result;
  result.second = append_unescaped(result.first, text, where);
  if (result.second) {
    result.first.clear();
  }
  return result;
}

}  // namespace

std::string query_escape(std::string_view text) { return escape(text, place::query); }
std::string path_escape(std::string_view text) { return escape(text, place::segment); }
std::pair<std::string, gossamer::error> query_unescape(std::string_view text) { return unescaped(text, place::query); }
std::pair<std::string, gossamer::error> path_unescape(std::string_view text) { return unescaped(text, place::segment); }

}  // namespace gossamer::inline v0::http
