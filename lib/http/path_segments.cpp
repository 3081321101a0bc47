#include "http/path_segments.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "http/url_escape.hpp"

namespace gossamer::inline v0::http {

namespace {

// Eight bytes at a time: masks have the top bit of each byte that is meant.
using word = std::uint64_t;
static_assert(std::endian::native == std::endian::little);
constexpr word ones = 0x0101010101010101U;
constexpr word tops = ones << 7U;

constexpr word repeat(char c) noexcept { return ones * static_cast<unsigned char>(c); }

// Those of `w` that are `c`.
constexpr word equal(word w, char c) noexcept {
  const word x = w ^ repeat(c);
  return ~(((x & ~tops) + ~tops) | x) & tops;
}
// Those of `w`, all below 0x80, that are `from` to `to`.
constexpr word between(word w, char from, char to) noexcept {
  const word at_least = w + (tops - repeat(from));
  const word beyond = w + (tops - repeat(to) - ones);
  return at_least & ~beyond & tops;
}
// Letters, digits and -./:;_ : the plain bytes that paths mostly have.
constexpr word usual(word w) noexcept {
  const word low = w & ~tops;
  return (between(low, '-', ';') | between(low | repeat(' '), 'a', 'z') | equal(low, '_')) & ~w;
}

word load(const char* at) noexcept {
  word w;
  std::memcpy(&w, at, sizeof w);
  return w;
}

// The last ones, fewer than eight, with letters behind them. `path` has eight.
word load_end(std::string_view path, std::size_t bytes) noexcept {
  const word w = load(path.data() + path.size() - 8);
  return w >> (64 - bytes * 8) | repeat('a') << bytes * 8;
}

word load_short(std::string_view path) noexcept {
  word w = repeat('a');
  std::memcpy(&w, path.data(), path.size());
  return w;
}

bool all_plain(word w) noexcept {
  std::array<char, 8> bytes{};
  std::memcpy(bytes.data(), &w, bytes.size());
  return std::ranges::all_of(bytes, [](char c) { return is_plain(c, place::path); });
}

}  // namespace

bool path_segments::take_ordinary(std::string_view path) noexcept {
  if (!path.starts_with('/')) {
    return false;
  }
  std::size_t slashes = 0;
  word before = 0;  // the slashes of the word before
  for (std::size_t i = 0; i < path.size(); i += 8) {
    const std::size_t left = path.size() - i;
    const word w = left >= 8 ? load(path.data() + i) : path.size() >= 8 ? load_end(path, left) : load_short(path);
    word here = equal(w, '/');
    const word behind_slash = here << 8U | before >> 56U;
    before = here;
    if ((behind_slash & (here | equal(w, '.'))) != 0 || (usual(w) != tops && !all_plain(w))) {
      return false;
    }
    for (; here != 0; here &= here - 1) {
      if (slashes == few) {
        return false;
      }
      few_[slashes++] = static_cast<std::uint32_t>(i + static_cast<std::size_t>(std::countr_zero(here)) / 8);
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
