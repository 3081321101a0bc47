#include "http/error_log.hpp"

#include "http/log.hpp"

namespace gossamer::inline v0::http {

namespace {

std::string escaped(std::string_view line) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(line.size());
  for (const char c : line) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u != 0x7f) {
      text += c;
    } else {
      text += "\\x";
      text += digits[u >> 4U];
      text += digits[u & 15U];
    }
  }
  return text;
}

}  // namespace

void write_log(const log_function& to, std::string_view line, std::string_view stack) {
  std::string text = escaped(line);
  if (!stack.empty()) {
    text += '\n';
    text += stack;
    while (text.ends_with('\n')) {
      text.pop_back();
    }
  }
  if (to) {
    to(text);
    return;
  }
  log_line(text);
}

}  // namespace gossamer::inline v0::http
