#include "http/conditional.hpp"

#include <algorithm>
#include <cstddef>

#include "gossamer/http/date.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

bool is_get_or_head(const request& r) noexcept { return r.method == "GET" || r.method == "HEAD"; }

constexpr bool is_tag_char(char c) noexcept {
  const auto b = static_cast<unsigned char>(c);
  return b == 0x21 || (b >= 0x23 && b != 0x7f);
}

// The tag, `"x"` or `W/"x"`, that a text without blanks at its front begins with; empty if there is none.
std::string_view tag_at_front(std::string_view s) noexcept {
  const std::size_t quote = s.starts_with("W/") ? 2 : 0;
  if (s.size() < quote + 2 || s[quote] != '"') {
    return {};
  }
  const auto end = std::ranges::find_if_not(s.substr(quote + 1), is_tag_char);
  const auto length = static_cast<std::size_t>(end - s.begin()) + 1;
  return length <= s.size() && *end == '"' ? s.substr(0, length) : std::string_view();
}

bool same_strongly(std::string_view a, std::string_view b) noexcept { return a == b && a.starts_with('"'); }

bool same_weakly(std::string_view a, std::string_view b) noexcept {
  const auto opaque = [](std::string_view tag) { return tag.substr(tag.starts_with("W/") ? 2 : 0); };
  return opaque(a) == opaque(b);
}

// Whether the list has the tag, or `*` before anything that is no tag.
template <class Same>
bool names(std::string_view list, std::string_view tag, Same same) {
  for (;;) {
    list = trim(list);
    if (list.empty()) {
      return false;
    }
    if (list.front() == ',') {
      list.remove_prefix(1);
      continue;
    }
    if (list.front() == '*') {
      return true;
    }
    const std::string_view one = tag_at_front(list);
    if (one.empty()) {
      return false;
    }
    if (same(one, tag)) {
      return true;
    }
    list.remove_prefix(one.size());
  }
}

condition condition_of(bool holds) noexcept { return holds ? condition::holds : condition::fails; }

// Whether it was not changed after what the field says.
condition not_after(std::string_view field, modified when) {
  if (field.empty() || !when) {
    return condition::none;
  }
  const auto [said, err] = parse_time(field);
  return err ? condition::none : condition_of(*when <= said);
}

bool if_range_holds(const request& r, std::string_view etag, modified when) {
  const std::string_view field = r.header.get("If-Range");
  if (field.empty() || !is_get_or_head(r)) {
    return true;
  }
  if (const std::string_view tag = tag_at_front(trim(field)); !tag.empty()) {
    return same_strongly(tag, etag);
  }
  if (!when) {
    return false;
  }
  const auto [said, err] = parse_time(field);
  return !err && said == *when;
}

}  // namespace

modified modified_at(std::chrono::system_clock::time_point modtime) noexcept {
  const bool known = modtime != std::chrono::system_clock::time_point();
  return known ? modified(std::chrono::floor<std::chrono::seconds>(modtime)) : std::nullopt;
}

condition if_modified_since(const request& r, modified when) {
  if (!is_get_or_head(r)) {
    return condition::none;
  }
  const condition unchanged = not_after(r.header.get("If-Modified-Since"), when);
  return unchanged == condition::none ? condition::none : condition_of(unchanged == condition::fails);
}

decision decide(const request& r, std::string_view etag, modified when) {
  using enum decision::kind;
  const std::string_view match = r.header.get("If-Match");
  const condition first = match.empty() ? not_after(r.header.get("If-Unmodified-Since"), when)
                                        : condition_of(names(match, etag, same_strongly));
  if (first == condition::fails) {
    return {precondition_failed, {}};
  }
  if (const std::string_view none_match = r.header.get("If-None-Match"); !none_match.empty()) {
    if (names(none_match, etag, same_weakly)) {
      return {is_get_or_head(r) ? not_modified : precondition_failed, {}};
    }
  } else if (if_modified_since(r, when) == condition::fails) {
    return {not_modified, {}};
  }
  return {go_on, if_range_holds(r, etag, when) ? r.header.get("Range") : std::string_view()};
}

void set_last_modified(response_writer& w, modified when) {
  if (when) {
    w.header().set("Last-Modified", format_time(*when));
  }
}

void answer_not_modified(response_writer& w) {
  header& h = w.header();
  h.del("Content-Type");
  h.del("Content-Length");
  h.del("Content-Encoding");
  if (!h.get("ETag").empty()) {
    h.del("Last-Modified");
  }
  w.write_header(status_not_modified);
}

}  // namespace gossamer::inline v0::http
