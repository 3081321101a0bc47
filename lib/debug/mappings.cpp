// mappings: see mappings.hpp. The format is proc(5)'s: `begin-end rwxp offset device inode name`.
#include "debug/mappings.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace gossamer::inline v0::debug {

namespace {

address take_hex(std::string_view& line) noexcept {
  address n = 0;
  while (!line.empty()) {
    const char c = line.front();
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) {
      break;
    }
    n = 16 * n + static_cast<address>(digit);
    line.remove_prefix(1);
  }
  return n;
}

std::string_view take_word(std::string_view& line) noexcept {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

// Empty where it cannot be read.
std::string_view text_of_maps(room& room) noexcept {
  const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return {};
  }
  const std::span<char> all = room.rest<char>();
  std::size_t n = 0;
  ssize_t got = 0;
  while (n < all.size() && (got = ::read(file, all.data() + n, std::min<std::size_t>(all.size() - n, 65536))) > 0) {
    n += static_cast<std::size_t>(got);
  }
  ::close(file);
  room.take<char>(n);
  return got == 0 ? std::string_view(all.data(), n) : std::string_view();
}

bool take_line(std::string_view line, mapping& to) noexcept {
  to.begin = take_hex(line);
  line.remove_prefix(line.empty() ? 0 : 1);
  to.end = take_hex(line);
  const std::string_view may = take_word(line);
  take_word(line);
  take_word(line);
  to.of_file = take_word(line) != "0";
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  to.name = line;
  if (may.size() < 4 || to.begin >= to.end) {
    return false;
  }
  to.readable = may[0] == 'r';
  to.writable = may[1] == 'w';
  to.is_private = may[3] == 'p';
  return true;
}

}  // namespace

std::span<const mapping> mappings_of_this_process(room& room) noexcept {
  std::string_view text = text_of_maps(room);
  const std::span<mapping> all =
      room.take<mapping>(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  std::size_t n = 0;
  while (!text.empty() && n < all.size()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    n += take_line(line, all[n]) ? 1U : 0U;
  }
  return all.first(n);
}

const mapping* mapping_of(std::span<const mapping> all, address a) noexcept {
  const auto after =
      std::upper_bound(all.begin(), all.end(), a, [](address v, const mapping& m) { return v < m.begin; });
  return after != all.begin() && (after - 1)->has(a) ? &*(after - 1) : nullptr;
}

}  // namespace gossamer::inline v0::debug
