// io/pipe: a pipe in memory, from those that write to those that read.
// Source: Go's io.Pipe. Differs: the calls take a stop or a context as well.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../error.hpp"
#include "../net/error.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// The end of a pipe that is read. A handle; the last one closes it. From any number of fibers and threads.
class GOSSAMER_API pipe_reader {
 public:
  constexpr pipe_reader() noexcept = default;
  explicit pipe_reader(detail::counted* half) noexcept : its_(half) {}

  // Waits for a write, and takes what it has, up to the size of `to`. Once the other end is closed: io::eof, or the
  // error that it was closed with; once this one is: io::closed_pipe.
  template <detail::writable_bytes R>
  result read(R&& to, const net::ending& end = {}) const {
    return read_some(std::as_writable_bytes(std::span(to)), end);
  }
  // Writes that wait and that come fail with io::closed_pipe, or with `why`. The first one counts. Always nil.
  error close() const { return close_with_error(nullptr); }
  error close_with_error(error why) const;

 private:
  result read_some(std::span<std::byte> to, const net::ending& end) const;

  detail::reference<detail::counted> its_;
};

// The end of a pipe that is written to. A handle; the last one closes it.
class GOSSAMER_API pipe_writer {
 public:
  constexpr pipe_writer() noexcept = default;
  explicit pipe_writer(detail::counted* half) noexcept : its_(half) {}

  // Waits until all has been read: there is no buffer between. Writes of several do not come between each other.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write(R&& from, const net::ending& end = {}) const {
    return write_all(std::as_bytes(std::span(from)), end);
  }
  result write(std::string_view from, const net::ending& end = {}) const {
    return write_all(std::as_bytes(std::span(from)), end);
  }
  // Reads that wait and that come fail with io::eof, or with `why`. The first one counts. Always nil.
  error close() const { return close_with_error(nullptr); }
  error close_with_error(error why) const;

 private:
  result write_all(std::span<const std::byte> from, const net::ending& end) const;

  detail::reference<detail::counted> its_;
};

[[nodiscard]] GOSSAMER_API std::pair<pipe_reader, pipe_writer> pipe();

}  // namespace gossamer::inline v0::io
