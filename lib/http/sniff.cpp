#include "gossamer/http/sniff.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

using namespace std::string_view_literals;

namespace {

struct signature {
  std::string_view pattern;  // a dot stands for any byte: none of them has a dot of its own
  std::string_view type;
};

// What ends in these, behind blanks, and a blank or `>`, is HTML. Letters of either case.
constexpr std::array tags{"<!doctype html"sv,
                          "<html"sv,
                          "<head"sv,
                          "<script"sv,
                          "<iframe"sv,
                          "<h1"sv,
                          "<div"sv,
                          "<font"sv,
                          "<table"sv,
                          "<a"sv,
                          "<style"sv,
                          "<title"sv,
                          "<b"sv,
                          "<body"sv,
                          "<br"sv,
                          "<p"sv,
                          "<!--"sv};

// In the order in which they are tried: an icon of 256 kinds of bytes is no film.
constexpr std::array before_films{
    signature{"%PDF-"sv, "application/pdf"sv},
    signature{"%!PS-Adobe-"sv, "application/postscript"sv},
    signature{"\xFE\xFF.."sv, "text/plain; charset=utf-16be"sv},
    signature{"\xFF\xFE.."sv, "text/plain; charset=utf-16le"sv},
    signature{"\xEF\xBB\xBF."sv, "text/plain; charset=utf-8"sv},
    signature{"\0\0\1\0"sv, "image/x-icon"sv},
    signature{"\0\0\2\0"sv, "image/x-icon"sv},
    signature{"BM"sv, "image/bmp"sv},
    signature{"GIF87a"sv, "image/gif"sv},
    signature{"GIF89a"sv, "image/gif"sv},
    signature{"RIFF....WEBPVP"sv, "image/webp"sv},
    signature{"\x89PNG\r\n\x1A\n"sv, "image/png"sv},
    signature{"\xFF\xD8\xFF"sv, "image/jpeg"sv},
    signature{"FORM....AIFF"sv, "audio/aiff"sv},
    signature{"ID3"sv, "audio/mpeg"sv},
    signature{"OggS\0"sv, "application/ogg"sv},
    signature{"MThd\0\0\0\6"sv, "audio/midi"sv},
    signature{"RIFF....AVI "sv, "video/avi"sv},
    signature{"RIFF....WAVE"sv, "audio/wave"sv},
};
constexpr std::array behind_films{
    signature{"\x1A\x45\xDF\xA3"sv, "video/webm"sv},
    signature{"\0\1\0\0"sv, "font/ttf"sv},
    signature{"OTTO"sv, "font/otf"sv},
    signature{"ttcf"sv, "font/collection"sv},
    signature{"wOFF"sv, "font/woff"sv},
    signature{"wOF2"sv, "font/woff2"sv},
    signature{"\x1F\x8B\b"sv, "application/x-gzip"sv},
    signature{"PK\3\4"sv, "application/zip"sv},
    signature{"Rar!\x1A\a\0"sv, "application/x-rar-compressed"sv},
    signature{"Rar!\x1A\a\1\0"sv, "application/x-rar-compressed"sv},
    signature{"\0asm"sv, "application/wasm"sv},
};

// Which bytes one of those begins with: most texts begin with another.
constexpr auto first_bytes = [] {
  std::array<bool, 256> t{};
  const auto add = [&t](const signature& s) { t[static_cast<unsigned char>(s.pattern[0])] = true; };
  std::ranges::for_each(before_films, add);
  std::ranges::for_each(behind_films, add);
  return t;
}();

constexpr std::string_view skip_blanks(std::string_view s) noexcept {
  return s.substr(std::min(s.find_first_not_of("\t\n\f\r "sv), s.size()));
}

bool begins_with_tag(std::string_view s) noexcept {
  return s.starts_with('<') && std::ranges::any_of(tags, [s](std::string_view tag) {
           return s.size() > tag.size() && same_name(s.substr(0, tag.size()), tag) &&
                  (s[tag.size()] == ' ' || s[tag.size()] == '>');
         });
}

bool fits(std::string_view s, std::string_view pattern) noexcept {
  return s.size() >= pattern.size() &&
         std::equal(pattern.begin(), pattern.end(), s.begin(), [](char p, char c) { return p == '.' || p == c; });
}

std::string_view find(std::span<const signature> among, std::string_view s) noexcept {
  if (s.empty() || !first_bytes[static_cast<unsigned char>(s[0])]) {
    return {};
  }
  const auto at = std::ranges::find_if(among, [s](const signature& sig) { return fits(s, sig.pattern); });
  return at == among.end() ? std::string_view{} : at->type;
}

// The first box, which has to be there as a whole, names the kinds of film that it is compatible with: `mp4` and a
// digit.
bool is_mp4(std::string_view s) noexcept {
  if (s.size() < 12 || s.substr(4, 4) != "ftyp"sv) {
    return false;
  }
  std::uint32_t box = 0;
  for (const char c : s.substr(0, 4)) {
    box = box << 8 | static_cast<unsigned char>(c);
  }
  if (box > s.size() || box % 4 != 0) {
    return false;
  }
  for (std::size_t at = 8; at < box; at += 4) {
    if (at != 12 && s.substr(at, 3) == "mp4"sv) {  // at 12 stands a version
      return true;
    }
  }
  return false;
}

// A font that is embedded has nothing of its own before its 35th byte.
constexpr bool is_embedded_font(std::string_view s) noexcept { return s.size() > 35 && s[34] == 'L' && s[35] == 'P'; }

constexpr bool is_binary(char c) noexcept {
  const auto b = static_cast<unsigned char>(c);
  return b <= 0x08 || b == 0x0B || (b >= 0x0E && b <= 0x1F && b != 0x1B);
}

}  // namespace

std::string_view detect_content_type(std::span<const std::byte> content) noexcept {
  const std::string_view all(reinterpret_cast<const char*>(content.data()), std::min(content.size(), sniff_length));
  const std::string_view s = skip_blanks(all);
  if (begins_with_tag(s)) {
    return "text/html; charset=utf-8"sv;
  }
  if (s.starts_with("<?xml"sv)) {
    return "text/xml; charset=utf-8"sv;
  }
  if (const std::string_view type = find(before_films, all); !type.empty()) {
    return type;
  }
  if (is_mp4(all)) {
    return "video/mp4"sv;
  }
  if (!all.starts_with("\x1A\x45\xDF\xA3"sv) && is_embedded_font(all)) {
    return "application/vnd.ms-fontobject"sv;
  }
  if (const std::string_view type = find(behind_films, all); !type.empty()) {
    return type;
  }
  return std::ranges::any_of(s, is_binary) ? "application/octet-stream"sv : "text/plain; charset=utf-8"sv;
}

}  // namespace gossamer::inline v0::http
