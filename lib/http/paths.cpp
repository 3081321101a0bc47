#include "http/paths.hpp"

#include <cstddef>
#include <tuple>

#include "http/cut.hpp"

namespace gossamer::inline v0::http {

std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::string clean;
  clean.reserve(path.size() + 1);
  clean.append(rooted ? "/" : "");
  // What may not be taken back: the root, or the `..` at the front.
  std::size_t fixed = clean.size();
  while (!path.empty()) {
    std::string_view element;
    std::tie(element, path) = cut(path, '/');
    if (element.empty() || element == ".") {
      continue;
    }
    const bool up = element == "..";
    if (up && clean.size() > fixed) {
      const std::size_t slash = clean.rfind('/');
      clean.resize(slash == clean.npos || slash < fixed ? fixed : slash);
      continue;
    }
    if (up && rooted) {
      continue;
    }
    if (!clean.empty() && clean.back() != '/') {
      clean += '/';
    }
    clean += element;
    fixed = up ? clean.size() : fixed;
  }
  return clean.empty() ? "." : clean;
}

std::string clean_absolute_path(std::string_view path) {
  std::string clean = clean_path(path.starts_with('/') ? std::string(path) : "/" + std::string(path));
  if (path.ends_with('/') && clean.size() > 1) {
    clean += '/';
  }
  return clean;
}

}  // namespace gossamer::inline v0::http
