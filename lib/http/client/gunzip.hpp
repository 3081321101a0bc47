// gunzip: what was compressed by gzip, read as it was before.
// Source: Go's compress/gzip. Differs: zlib does it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "gossamer/error.hpp"
#include "gossamer/io/stream.hpp"

namespace gossamer::inline v0::http {

// In place; for one fiber at a time. Several members, one behind the other, are read as one. It reads `from` to its
// end.
class gunzip {
 public:
  explicit gunzip(io::reader from) noexcept;
  gunzip(const gunzip&) = delete;
  gunzip& operator=(const gunzip&) = delete;
  ~gunzip();

  // Of nothing at all: io::eof. Errors: `gzip: invalid header`; `gzip: invalid checksum`, which a wrong length is, too;
  // `flate: corrupt input before offset N`; io::unexpected_eof; the reader's. Each ends it, and is what all later reads
  // return. A time-out is none.
  io::result read(std::span<std::byte> to);
  // Gives its memory back; it has none before the first read, and none after the last.
  void end() noexcept;

 private:
  struct state;
  io::result inflate_some(std::span<std::byte> to);
  gossamer::error fill();
  gossamer::error await_input();
  gossamer::error fault() const;

  io::reader from_;
  std::unique_ptr<state> state_;
  gossamer::error why_;
};

}  // namespace gossamer::inline v0::http
