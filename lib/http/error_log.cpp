#include "http/error_log.hpp"

#include <array>
#include <ctime>

#include "gossamer/os/file.hpp"

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

// `2006/01/02 15:04:05 `, as Go's log has it, of local time.
std::string time_prefix() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y/%m/%d %H:%M:%S ", &local)};
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
  static_cast<void>(os::standard_error().write(time_prefix() + text + '\n'));  // there is nobody to tell
}

}  // namespace gossamer::inline v0::http
