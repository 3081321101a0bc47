#include "http/log.hpp"

#include <array>
#include <ctime>
#include <string>

#include "gossamer/os/file.hpp"

namespace gossamer::inline v0::http {

void log_line(std::string_view line) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> when{};
  const std::size_t length = std::strftime(when.data(), when.size(), "%Y/%m/%d %H:%M:%S ", &local);
  std::string text(when.data(), length);
  text += line;
  text += '\n';
  static_cast<void>(os::standard_error().write(text));  // there is nobody to tell
}

}  // namespace gossamer::inline v0::http
