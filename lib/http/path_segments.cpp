#include "http/path_segments.hpp"

#include <algorithm>

#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

namespace {

enum class byte_kind : std::uint8_t { plain, dot, slash, escaped };

constexpr auto kinds = [] {
  std::array<byte_kind, 256> t{};
  for (std::size_t i = 0; i < t.size(); i++) {
    const char c = static_cast<char>(i);
    t[i] = !is_plain(c, place::path) ? byte_kind::escaped
           : c == '/'                ? byte_kind::slash
           : c == '.'                ? byte_kind::dot
                                     : byte_kind::plain;
  }
  return t;
}();

}  // namespace

// A look at each byte: eight or sixteen at a time were not measurably faster, for paths as they are.
bool path_segments::take_ordinary(std::string_view path) noexcept {
  if (!path.starts_with('/')) {
    return false;
  }
  std::size_t slashes = 0;
  std::size_t segment = none;  // where it begins
  for (std::size_t i = 0; i < path.size(); i++) {
    const byte_kind now = kinds[static_cast<unsigned char>(path[i])];
    if (now == byte_kind::plain) {
      continue;
    }
    if (now == byte_kind::escaped || i == segment || slashes == few) {
      return false;
    }
    if (now == byte_kind::slash) {
      few_[slashes++] = static_cast<std::uint32_t>(i);
      segment = i + 1;
    }
  }
  end(path, slashes);
  return true;
}

void path_segments::take(std::string_view path) {
  const auto slashes = static_cast<std::size_t>(std::ranges::count(path, '/'));
  if (slashes > few) {
    many_.resize(slashes + 1);
    slashes_ = many_.data();
  }
  std::uint32_t* at = slashes_;
  for (std::size_t i = path.find('/'); i != path.npos; i = path.find('/', i + 1)) {
    *at++ = static_cast<std::uint32_t>(i);
  }
  has_escapes_ = path.find('%') != path.npos;
  end(path, slashes);
}

void path_segments::end(std::string_view path, std::size_t slashes) noexcept {
  path_ = path;
  size_ = own_size_ = slashes;
  slashes_[slashes] = static_cast<std::uint32_t>(path.size());
  last_slash_ = path.ends_with('/') ? slashes - 1 : none;
}

}  // namespace gossamer::inline v0::http
