// io/buffered: reading and writing through a buffer, byte by byte and line by line.
// Source: Go's bufio.Reader, Scanner and Writer. Differs: one limit for whatever a call collects. In place; not for
// several fibers at once.
#pragma once

#include <concepts>
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
GOSSAMER_API extern const errors::sentinel no_progress;          // multiple Read calls return no data or error
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
  // The same as a view into the buffer, which holds until the next call. Also without it, with buffer_full, where the
  // buffer is full before it comes; the next call goes on behind. set_limit() is not for it.
  std::pair<std::string_view, error> read_slice(char delimiter);
  // The next line without its `\n` or `\r\n`. The last one need not have one; behind it: io::eof.
  std::pair<std::string, error> read_line();
  // The next n bytes, which stay unread. Fewer only with an error: io::buffer_full if the buffer is smaller than that.
  // Until the next call.
  std::pair<std::span<const std::byte>, error> peek(std::int64_t n);
  // Skips n bytes; fewer only with an error.
  std::pair<std::int64_t, error> skip(std::int64_t n);
  // What is in the buffer, and the buffer's size.
  std::size_t buffered() const noexcept { return end_ - begin_; }
  std::size_t size() const noexcept { return size_; }
  // Reads from another from here on: what is in the buffer and an error are forgotten, the buffer and the limit stay.
  // Does nothing if that other is this one.
  void reset(reader from);

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

  // What waits in the buffer, what still goes into it, and the buffer's size.
  std::size_t buffered() const noexcept { return used_; }
  std::size_t available() const noexcept { return size_ - used_; }
  std::size_t size() const noexcept { return size_; }
  // The room that is available, to be written into in place: a write() of its first bytes copies nothing. Until the
  // next call.
  //   const std::span<char> room = w.available_buffer();
  //   w.write(std::string_view(room.data(), std::to_chars(room.data(), room.data() + room.size(), n).ptr));
  std::span<char> available_buffer() noexcept {
    return {reinterpret_cast<char*>(buffer_.get()) + used_, size_ - used_};
  }
  // Writes to another from here on: what has not been flushed and an error are forgotten, the buffer stays. Does
  // nothing if that other is this one.
  void reset(writer to);

 private:
  result write_all(std::span<const std::byte> from);

  void put(std::span<const std::byte> from) noexcept;

  writer to_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_;
  std::size_t used_ = 0;  // <= size_
  error err_;
};

// Both, of a connection; io::reader and io::writer are made of its address. What both have (buffered(), size(),
// reset()) is called by the one that is meant: rw.buffered_reader::buffered(). Reads and writes do not wait for each
// other: a fiber may read while another writes.
// Source: Go's bufio.ReadWriter.
class buffered_read_writer : public buffered_reader, public buffered_writer {
 public:
  static constexpr std::size_t default_bytes = 4096;

  buffered_read_writer(reader from, writer to, std::size_t read_bytes = default_bytes,
                       std::size_t write_bytes = default_bytes)
      : buffered_reader(std::move(from), read_bytes), buffered_writer(std::move(to), write_bytes) {}
  // A handle, or the address of what stands in place.
  template <class T>
    requires std::convertible_to<const T&, reader> && std::convertible_to<const T&, writer>
  explicit buffered_read_writer(const T& both) : buffered_read_writer(reader(both), writer(both)) {}
};

}  // namespace gossamer::inline v0::io
