#include "http/error_log.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

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
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  std::array<char, 32> text{};
  localtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y/%m/%d %H:%M:%S ", &parts)};
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
  text = time_prefix() + text + '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace gossamer::inline v0::http
