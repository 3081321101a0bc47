// io/buffered: reading and writing through a buffer, byte by byte and line by line.
// Source: Go's bufio.Reader, Scanner and Writer. Differs: one limit for whatever a call collects. In place; not for
// several fibers at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// A hundred reads have returned neither a byte nor an error.
GOSSAMER_API extern const errors::sentinel no_progress;  // multiple Read calls return no data or error
// A line is longer than the limit. Source: Go's bufio.ErrTooLong.
GOSSAMER_API extern const errors::sentinel too_long;             // bufio: token too long
GOSSAMER_API extern const errors::sentinel buffer_full;          // bufio: buffer full
GOSSAMER_API extern const errors::sentinel negative_count;       // bufio: negative count
GOSSAMER_API extern const errors::sentinel invalid_unread_byte;  // bufio: invalid use of UnreadByte

// buffered_reader: reads by large pieces from another reader, and hands out what is asked for.
// Source: Go's bufio.Reader.
class GOSSAMER_API buffered_reader {
 public:
  static constexpr std::size_t default_bytes = 4096;
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  // A buffer of so many bytes, and at least 16.
  explicit buffered_reader(reader from, std::size_t bytes = default_bytes);
  buffered_reader(const buffered_reader&) = delete;
  buffered_reader& operator=(const buffered_reader&) = delete;

  // What read_line() and read_string() may return at most, in bytes and with the delimiter. A longer one fails with
  // io::too_long and its first bytes; the next call goes on behind them.
  void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

  // At most one read of what lies below, and none while there is something in the buffer. Where that read returns
  // neither a byte nor an error: 0 and nil.
  template <detail::writable_bytes R>
  result read(R&& to) {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  std::pair<std::byte, error> read_byte();
  // Puts back the last byte that was read: once, and if the last call was a read that returned something (peek() and
  // skip() are none); else io::invalid_unread_byte.
  error unread_byte();
  // All up to the delimiter, and the delimiter. Without it only with an error, io::eof for one.
  std::pair<std::string, error> read_string(char delimiter);
  // The next line without its `\n` or `\r\n`. The last one need not have one; behind it: io::eof.
  std::pair<std::string, error> read_line();
  // The next n bytes, which stay unread. Fewer only with an error: io::buffer_full if the buffer is smaller than that.
  // Until the next call.
  std::pair<std::span<const std::byte>, error> peek(std::int64_t n);
  // Skips n bytes; fewer only with an error.
  std::pair<std::int64_t, error> skip(std::int64_t n);
  // What is in the buffer.
  std::size_t buffered() const noexcept { return end_ - begin_; }

 private:
  result read_some(std::span<std::byte> to);
  std::pair<std::string, error> read_until(std::byte delimiter);
  std::span<std::byte> content() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
  void take(std::size_t n) noexcept;
  std::span<std::byte> make_space() noexcept;
  void fill();

  reader from_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_;
  std::size_t limit_ = no_limit;
  // begin_ <= end_ <= size_; what lies between has not been read.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  int last_ = -1;  // the byte that was read last, if it may be put back
  error err_;      // of the read below, until the buffer is empty
};

// What is written goes on when the buffer is full, and by flush(). After an error all that comes fails with it. What
// has not been flushed is lost with it.
class GOSSAMER_API buffered_writer {
 public:
  static constexpr std::size_t default_bytes = 4096;

  explicit buffered_writer(writer to, std::size_t bytes = default_bytes);
  buffered_writer(const buffered_writer&) = delete;
  buffered_writer& operator=(const buffered_writer&) = delete;

  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write(R&& from) {
    return write_all(std::as_bytes(std::span(from)));
  }
  result write(std::string_view from) { return write_all(std::as_bytes(std::span(from))); }
  error write_byte(std::byte b) { return write_all(std::span(&b, 1)).second; }
  error write_byte(char c) { return write_byte(static_cast<std::byte>(c)); }
  error flush();

  // What waits in the buffer, and what still goes into it.
  std::size_t buffered() const noexcept { return used_; }
  std::size_t available() const noexcept { return size_ - used_; }

 private:
  result write_all(std::span<const std::byte> from);

  writer to_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_;
  std::size_t used_ = 0;  // <= size_
  error err_;
};

}  // namespace gossamer::inline v0::io
