// Which of two patterns is the more specific one, and what to say where neither is.
#include <algorithm>
#include <cstddef>
#include <span>

#include "http/pattern.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

using segment = pattern::segment;
using kind = pattern::segment::kind;
using segments = std::span<const segment>;

// What the first of two matches, beside the second.
struct relation {
  bool disjoint = false;  // nothing in common
  bool wider = false;     // something that the second does not
  bool narrower = false;  // not all that the second does

  bool same() const noexcept { return !wider && !narrower; }
  bool overlap() const noexcept { return wider && narrower; }
  relation operator+(relation r) const noexcept {
    return {disjoint || r.disjoint, wider || r.wider, narrower || r.narrower};
  }
};
constexpr relation disjoint{true, false, false};
constexpr relation wider{false, true, false};
constexpr relation narrower{false, false, true};

relation compare_methods(const std::string& a, const std::string& b) noexcept {
  if (a == b) {
    return {};
  }
  if (a.empty() || (a == "GET" && b == "HEAD")) {
    return wider;
  }
  return b.empty() || (b == "GET" && a == "HEAD") ? narrower : disjoint;
}

relation compare_segments(const segment& a, const segment& b) noexcept {
  if (a.is == kind::literal && b.is == kind::literal) {
    return a.text == b.text ? relation() : disjoint;
  }
  if (a.is == b.is) {
    return {};
  }
  // One that is no `rest` matches no slash at the end.
  if ((a.is == kind::one && b.is_slash()) || (b.is == kind::one && a.is_slash())) {
    return disjoint;
  }
  return a.is > b.is ? wider : narrower;
}

relation compare_paths(const pattern& a, const pattern& b) noexcept {
  const std::size_t n = std::min(a.segments.size(), b.segments.size());
  relation r;
  for (std::size_t i = 0; i < n; i++) {
    r = r + compare_segments(a.segments[i], b.segments[i]);
  }
  if (a.segments.size() < b.segments.size()) {
    return r + (a.has_rest() ? wider : disjoint);
  }
  if (b.segments.size() < a.segments.size()) {
    return r + (b.has_rest() ? narrower : disjoint);
  }
  return r;
}

void append_segment(std::string& to, const segment& s) {
  to += '/';
  if (s.is != kind::rest && !s.is_slash()) {
    to += s.text;
  }
}

// The longer one's segments behind those of the other.
void append_longer(std::string& to, segments a, segments b) {
  const std::size_t n = std::min(a.size(), b.size());
  for (const segment& s : (a.size() > b.size() ? a : b).subspan(n)) {
    append_segment(to, s);
  }
}

// A path that both match.
std::string common_path(segments a, segments b) {
  std::string to;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); i++) {
    append_segment(to, a[i].is == kind::literal ? a[i] : b[i]);
  }
  append_longer(to, a, b);
  return to;
}

// A path that a matches, and b does not.
std::string path_of_first(segments a, segments b) {
  std::string to;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); i++) {
    if (a[i].is == kind::rest) {
      // A slash at the end is the difference; but if that is what b ends with, anything else is.
      to += '/';
      if (b[i].is_slash()) {
        to += a[i].text.empty() ? "x" : a[i].text;
      }
      return to;
    }
    append_segment(to, a[i]);
    if (a[i].is == kind::one && b[i].is == kind::literal && a[i].text == b[i].text) {
      to += 'x';
    }
  }
  append_longer(to, a, b);
  return to;
}

}  // namespace

std::optional<std::string> conflict_of(const pattern& a, const pattern& b) {
  if (a.host != b.host) {
    return {};
  }
  const relation methods = compare_methods(a.method, b.method);
  const relation paths = compare_paths(a, b);
  const relation all = methods + paths;
  if (all.disjoint || !(all.same() || all.overlap())) {
    return {};
  }
  if (all.same()) {
    return a.text + " matches the same requests as " + b.text;
  }
  if (paths.overlap()) {
    return a.text + " and " + b.text + " both match some paths, like " + quote(common_path(a.segments, b.segments)) +
           ".\nBut neither is more specific than the other.\n" + a.text + " matches " +
           quote(path_of_first(a.segments, b.segments)) + ", but " + b.text + " doesn't.\n" + b.text + " matches " +
           quote(path_of_first(b.segments, a.segments)) + ", but " + a.text + " doesn't.";
  }
  return a.text + (methods.wider ? " matches more methods than " : " matches fewer methods than ") + b.text +
         (methods.wider ? ", but has a more specific path pattern" : ", but has a more general path pattern");
}

}  // namespace gossamer::inline v0::http
