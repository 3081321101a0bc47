// pieces: a reader whose reads are short, and whose end is as it is told.
#pragma once

#include <gossamer/io.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace support {

// Hands out its text in pieces of so many bytes; `last`: with what it ends, together with the last byte or alone.
struct pieces {
  std::string text;
  std::size_t most = 1;
  gossamer::error last = gossamer::io::eof;
  bool with_the_last_byte = false;

  gossamer::io::result read(std::span<std::byte> to) {
    const std::size_t n = std::min({most, to.size(), text.size()});
    std::copy_n(std::as_bytes(std::span(text)).begin(), n, to.begin());
    text.erase(0, n);
    const bool ends = text.empty() && (with_the_last_byte || n == 0) && !to.empty();
    return {n, ends ? last : gossamer::error()};
  }
};

}  // namespace support
