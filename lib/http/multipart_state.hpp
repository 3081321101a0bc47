// multipart_state: where a reader of parts stands in its message. See gossamer/http/multipart.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gossamer/http/multipart.hpp"
#include "gossamer/io.hpp"
#include "http/mime_header.hpp"

namespace gossamer::inline v0::http::multipart {

// Shared by the reader and its parts. A part knows by its number whether it is the current one still.
struct reader_state {
  reader_state(io::reader from, std::string_view boundary);

  // Content of the current part, as it stands. io::eof at its end.
  io::result read(std::span<std::byte> to);
  // Up to the next part's content.
  std::pair<header, gossamer::error> next(mime_limits limits);

  std::size_t number = 0;  // of the current part, from 1

 private:
  void look();
  void skip_part();
  bool is_delimiter(std::string_view line);
  bool is_final(std::string_view line) const noexcept;
  bool is_line_end(std::string_view s) const noexcept { return s == nl(); }
  std::string_view nl() const noexcept { return std::string_view(delimiter_).substr(0, nl_bytes_); }
  std::string_view dash_boundary() const noexcept { return std::string_view(delimiter_).substr(nl_bytes_); }

  io::buffered_reader from_;
  // A line end, `--` and the boundary. The line end is what the first delimiter ends in.
  std::string delimiter_;
  std::size_t nl_bytes_ = 2;
  // Of the current part: bytes of the buffer that are known to be content, what comes behind them, how many were read,
  // and what reading from below ended in.
  std::size_t ready_ = 0;
  gossamer::error end_;
  std::int64_t total_ = 0;
  gossamer::error read_err_;
};

struct part_state {
  std::shared_ptr<reader_state> of;
  std::size_t number = 0;
  http::header header;
  // Null: of itself, as it stands.
  io::reader decoded;
  // Of Content-Disposition, once it was asked for.
  struct disposition {
    std::string type;
    mime::parameters all;
    std::string file_name;
  };
  std::optional<disposition> what;
};

// The next part. `raw`: not decoded.
std::pair<part, gossamer::error> next_part_of(const std::shared_ptr<reader_state>& r, bool raw, mime_limits limits);

inline constexpr mime_limits default_limits{std::int64_t{10} << 20U, 10'000};

}  // namespace gossamer::inline v0::http::multipart
