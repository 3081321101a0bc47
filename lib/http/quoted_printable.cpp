#include "http/quoted_printable.hpp"

#include <algorithm>
#include <cstring>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"
#include "http/hex.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

io::result quoted_printable_reader::read(std::span<std::byte> to) {
  while (read_ == decoded_.size()) {
    if (to.empty() || err_) {
      return {0, to.empty() ? gossamer::error() : err_};
    }
    next_line();
  }
  const std::size_t n = std::min(to.size(), decoded_.size() - read_);
  std::memcpy(to.data(), decoded_.data() + read_, n);
  read_ += n;
  return {n, nullptr};
}

void quoted_printable_reader::next_line() {
  decoded_.clear();
  read_ = 0;
  const auto [whole, err] = from_.read_slice('\n');
  std::string_view line = whole.substr(0, whole.find_last_not_of(" \t\r\n") + 1);
  const std::string_view end = whole.ends_with("\r\n") ? "\r\n" : whole.ends_with('\n') ? "\n" : "";
  err_ = err;
  if (!line.ends_with('=')) {
    const gossamer::error wrong = decode(line);
    if (wrong) {
      err_ = wrong;
    } else {
      decoded_ += end;
    }
    return;
  }
  // A soft break: nothing but blanks and the line's end may follow.
  std::string_view behind = whole.substr(line.size());
  behind.remove_prefix(std::min(behind.find_first_not_of(" \t"), behind.size()));
  line.remove_suffix(1);
  const bool ends =
      behind.starts_with('\n') || behind.starts_with("\r\n") || (behind.empty() && !line.empty() && err == io::eof);
  if (!ends) {
    err_ = errors::make("quotedprintable: invalid bytes after =: ", quote(behind));
  }
  if (const gossamer::error wrong = decode(line)) {
    err_ = wrong;
  }
}

gossamer::error quoted_printable_reader::decode(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); i++) {
    const char c = line[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '=') {
      if (const int value = hex_byte(line.substr(i + 1)); value >= 0) {
        decoded_ += static_cast<char>(value);
        i += 2;
        continue;
      }
      if (i + 1 == line.size()) {
        return io::unexpected_eof;
      }
    } else if ((byte < ' ' && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f) {
      std::string hex;
      append_hex(hex, byte, lower_hex);
      return errors::make("quotedprintable: invalid unescaped byte 0x", hex, " in body");
    }
    decoded_ += c;
  }
  return nullptr;
}

}  // namespace gossamer::inline v0::http
