#include "http/path_segments.hpp"

#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

namespace {

enum class byte_kind : std::uint8_t { plain, slash, dot, escaped };

constexpr auto kinds = [] {
  std::array<byte_kind, 256> t{};
  for (std::size_t i = 0; i < t.size(); i++) {
    const char c = static_cast<char>(i);
    t[i] = c == '/' ? byte_kind::slash : c == '.' ? byte_kind::dot : byte_kind::plain;
    if (!is_plain(c, place::path)) {
      t[i] = byte_kind::escaped;
    }
  }
  return t;
}();

}  // namespace

bool path_segments::take_ordinary(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/') {
    return false;
  }
  std::size_t slashes = 0;
  byte_kind before = byte_kind::plain;
  for (std::size_t i = 0; i < path.size(); i++) {
    const byte_kind now = kinds[static_cast<unsigned char>(path[i])];
    if (now != byte_kind::plain) {
      if (now == byte_kind::escaped || before == byte_kind::slash || slashes == few) {
        return false;
      }
      few_[slashes] = static_cast<std::uint32_t>(i);
      slashes += now == byte_kind::slash ? 1 : 0;
    }
    before = now;
  }
  path_ = path;
  size_ = slashes;
  return true;
}

void path_segments::take(std::string_view path) {
  path_ = path;
  size_ = static_cast<std::size_t>(std::ranges::count(path, '/'));
  has_escapes_ = path.find('%') != path.npos;
  many_.resize(size_ > few ? size_ : 0);
  std::uint32_t* at = many_.empty() ? few_.data() : many_.data();
  for (std::size_t i = path.find('/'); i != path.npos; i = path.find('/', i + 1)) {
    *at++ = static_cast<std::uint32_t>(i);
  }
}

}  // namespace gossamer::inline v0::http
