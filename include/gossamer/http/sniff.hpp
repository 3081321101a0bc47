// http/sniff: what type content has: by how it begins, by its name's extension.
// Source: Go's http.DetectContentType, mime.TypeByExtension; the WHATWG's MIME Sniffing. Differs: extensions have the
// types of Go's own table, whatever the machine's tables say: the same program answers alike everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"

namespace gossamer::inline v0::http {

// The most that detect_content_type() looks at, in bytes.
inline constexpr std::size_t sniff_length = 512;

// A content's type by its first sniff_length bytes: text, HTML, XML, PDF, PostScript, images, sound, films, fonts,
// archives, WebAssembly. `application/octet-stream` where it is none of these. JSON is `text/plain; charset=utf-8`, and
// so is what has no bytes. The view is good for ever; anybody may call it.
[[nodiscard]] GOSSAMER_API std::string_view detect_content_type(std::span<const std::byte> content) noexcept;
template <detail::readable_bytes R>
  requires(!detail::is_text<R>)
[[nodiscard]] std::string_view detect_content_type(R&& content) noexcept {
  // Not a span of so many bytes, which would come here again.
  return detect_content_type(std::span<const std::byte>(std::as_bytes(std::span(content))));
}
[[nodiscard]] inline std::string_view detect_content_type(std::string_view content) noexcept {
  return detect_content_type(std::span<const std::byte>(std::as_bytes(std::span(content))));
}

// `text/html; charset=utf-8` of `.html` and of `.HTML`: the dot belongs to it. Empty where it is not known. The view is
// good for ever; anybody may call it.
[[nodiscard]] GOSSAMER_API std::string_view type_by_extension(std::string_view extension) noexcept;

}  // namespace gossamer::inline v0::http
