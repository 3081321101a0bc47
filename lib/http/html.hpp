// html: text in pages.
#pragma once

#include <string>
#include <string_view>

namespace gossamer::inline v0::http {

// `<`, `>`, `&` and quotes as references: for text, and for values of attributes in quotes.
inline std::string html_escape(std::string_view text) {
  std::string to;
  to.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&#34;";
        break;
      case '\'':
        to += "&#39;";
        break;
      default:
        to += c;
    }
  }
  return to;
}

}  // namespace gossamer::inline v0::http
