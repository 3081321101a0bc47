// quoted_printable: text whose bytes are written as =XX where they are not plain. RFC 2045, 6.7.
// Source: Go's mime/quotedprintable.Reader.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/io/buffered.hpp"
#include "gossamer/io/stream.hpp"

namespace gossamer::inline v0::http {

// Decodes what it reads. Lenient: lines may end in LF alone, a `=` may stand for itself, bytes over 0x7f too, and the
// last line may end in a soft break. Errors: `quotedprintable: invalid bytes after =: "X"`, `quotedprintable: invalid
// unescaped byte 0x00 in body`; io::buffer_full for lines over 4 KiB.
class quoted_printable_reader {
 public:
  explicit quoted_printable_reader(io::reader from) : from_(std::move(from)) {}
  io::result read(std::span<std::byte> to);

 private:
  void next_line();
  gossamer::error decode(std::string_view line);

  io::buffered_reader from_;
  std::string decoded_;
  std::size_t read_ = 0;  // of decoded_
  gossamer::error err_;   // behind decoded_
};

}  // namespace gossamer::inline v0::http
