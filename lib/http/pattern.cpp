#include "http/pattern.hpp"

#include <algorithm>
#include <cstddef>

#include "gossamer/errors.hpp"
#include "gossamer/http/values.hpp"
#include "http/ascii.hpp"
#include "http/paths.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

using segment = pattern::segment;

bool is_name(std::string_view text) noexcept {
  const auto is_letter_of_name = [](char c) {
    return is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  return is_letter_of_name(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter_of_name(c) || is_digit(c); });
}

// One segment's text; `last`: no slash follows.
gossamer::error parse_segment(std::string_view text, bool last, std::vector<segment>& to) {
  const std::size_t brace = text.find('{');
  if (brace == text.npos) {
    auto [decoded, err] = path_unescape(text);
    to.push_back({segment::kind::literal, err ? std::string(text) : std::move(decoded)});
    return nullptr;
  }
  if (brace != 0) {
    return errors::make("bad wildcard segment (must start with '{')");
  }
  if (!text.ends_with('}')) {
    return errors::make("bad wildcard segment (must end with '}')");
  }
  std::string_view name = text.substr(1, text.size() - 2);
  if (name == "$") {
    to.push_back({segment::kind::literal, "/"});
    return last ? nullptr : errors::make("{$} not at end");
  }
  const bool rest = name.ends_with("...");
  name.remove_suffix(rest ? 3 : 0);
  if (rest && !last) {
    return errors::make("{...} wildcard not at end");
  }
  if (name.empty()) {
    return errors::make("empty wildcard");
  }
  if (!is_name(name)) {
    return errors::make("bad wildcard name ", quote(name));
  }
  const auto has_it = [name](const segment& s) { return s.is != segment::kind::literal && s.text == name; };
  if (std::ranges::any_of(to, has_it)) {
    return errors::make("duplicate wildcard name ", quote(name));
  }
  to.push_back({rest ? segment::kind::rest : segment::kind::one, std::string(name)});
  return nullptr;
}

// `path` begins with a slash. `at`: where the error is in it.
gossamer::error parse_path(std::string_view path, std::size_t& at, std::vector<segment>& to) {
  while (at < path.size()) {
    at++;  // the slash
    if (at == path.size()) {
      to.push_back({segment::kind::rest, ""});
      return nullptr;
    }
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (auto err = parse_segment(path.substr(at, end - at), end == path.size(), to)) {
      return err;
    }
    at = end;
  }
  return nullptr;
}

gossamer::error parse(std::string_view text, std::size_t& at, pattern& p) {
  std::string_view rest = text;
  if (const std::size_t blank = text.find_first_of(" \t"); blank != text.npos) {
    p.method = text.substr(0, blank);
    if (blank > 0 && !is_token(p.method)) {
      return errors::make("invalid method ", quote(p.method));
    }
    at = blank + 1;
    rest.remove_prefix(std::min(text.find_first_not_of(" \t", blank), text.size()));
  }
  const std::size_t slash = rest.find('/');
  if (slash == rest.npos) {
    return errors::make("host/path missing /");
  }
  p.host = rest.substr(0, slash);
  if (const std::size_t brace = p.host.find('{'); brace != p.host.npos) {
    at += brace;
    return errors::make("host contains '{' (missing initial '/'?)");
  }
  at += slash;
  rest.remove_prefix(slash);
  if (!p.method.empty() && p.method != "CONNECT" && rest != clean_absolute_path(rest)) {
    return errors::make("non-CONNECT pattern with unclean path can never match");
  }
  std::size_t in_path = 0;
  auto err = parse_path(rest, in_path, p.segments);
  at = text.size() - rest.size() + in_path;
  return err;
}

}  // namespace

std::pair<pattern, gossamer::error> parse_pattern(std::string_view text) {
  std::pair<pattern, gossamer::error> result;
  auto& [p, err] = result;
  p.text = text;
  std::size_t at = 0;
  err = errors::wrap(parse(text, at, p), "at offset ", at);
  return result;
}

}  // namespace gossamer::inline v0::http
