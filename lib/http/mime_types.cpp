// mime_types: the types of files by their extension: Go's own table.
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "gossamer/http/sniff.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

struct known {
  std::string_view extension, type;
};

constexpr std::array table{
    known{".ai", "application/postscript"},
    known{".apk", "application/vnd.android.package-archive"},
    known{".apng", "image/apng"},
    known{".avif", "image/avif"},
    known{".bin", "application/octet-stream"},
    known{".bmp", "image/bmp"},
    known{".com", "application/octet-stream"},
    known{".css", "text/css; charset=utf-8"},
    known{".csv", "text/csv; charset=utf-8"},
    known{".doc", "application/msword"},
    known{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    known{".ehtml", "text/html; charset=utf-8"},
    known{".eml", "message/rfc822"},
    known{".eps", "application/postscript"},
    known{".exe", "application/octet-stream"},
    known{".flac", "audio/flac"},
    known{".gif", "image/gif"},
    known{".gz", "application/gzip"},
    known{".htm", "text/html; charset=utf-8"},
    known{".html", "text/html; charset=utf-8"},
    known{".ico", "image/vnd.microsoft.icon"},
    known{".ics", "text/calendar; charset=utf-8"},
    known{".jfif", "image/jpeg"},
    known{".jpeg", "image/jpeg"},
    known{".jpg", "image/jpeg"},
    known{".js", "text/javascript; charset=utf-8"},
    known{".json", "application/json"},
    known{".m4a", "audio/mp4"},
    known{".mjs", "text/javascript; charset=utf-8"},
    known{".mp3", "audio/mpeg"},
    known{".mp4", "video/mp4"},
    known{".oga", "audio/ogg"},
    known{".ogg", "audio/ogg"},
    known{".ogv", "video/ogg"},
    known{".opus", "audio/ogg"},
    known{".pdf", "application/pdf"},
    known{".pjp", "image/jpeg"},
    known{".pjpeg", "image/jpeg"},
    known{".png", "image/png"},
    known{".ppt", "application/vnd.ms-powerpoint"},
    known{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    known{".ps", "application/postscript"},
    known{".rdf", "application/rdf+xml"},
    known{".rtf", "application/rtf"},
    known{".shtml", "text/html; charset=utf-8"},
    known{".svg", "image/svg+xml"},
    known{".text", "text/plain; charset=utf-8"},
    known{".tif", "image/tiff"},
    known{".tiff", "image/tiff"},
    known{".txt", "text/plain; charset=utf-8"},
    known{".vtt", "text/vtt; charset=utf-8"},
    known{".wasm", "application/wasm"},
    known{".wav", "audio/wav"},
    known{".weba", "audio/webm"},
    known{".webm", "video/webm"},
    known{".webp", "image/webp"},
    known{".xbl", "text/xml; charset=utf-8"},
    known{".xbm", "image/x-xbitmap"},
    known{".xht", "application/xhtml+xml"},
    known{".xhtml", "application/xhtml+xml"},
    known{".xls", "application/vnd.ms-excel"},
    known{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    known{".xml", "text/xml; charset=utf-8"},
    known{".xsl", "text/xml; charset=utf-8"},
    known{".zip", "application/zip"},
};
static_assert(std::ranges::is_sorted(table, {}, &known::extension));
constexpr std::size_t longest = 6;
static_assert(std::ranges::all_of(table, [](const known& k) { return k.extension.size() <= longest; }));

}  // namespace

std::string_view type_by_extension(std::string_view extension) noexcept {
  if (extension.size() > longest) {
    return {};
  }
  std::string name(extension);  // so short that it needs no memory
  std::ranges::transform(name, name.begin(), lower);
  const auto at = std::ranges::lower_bound(table, name, {}, &known::extension);
  return at == table.end() || at->extension != name ? std::string_view{} : at->type;
}

}  // namespace gossamer::inline v0::http
