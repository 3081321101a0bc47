// io/memory: text that is read, and bytes that are kept until they are read.
// Source: Go's bytes.Buffer, strings.Reader. In place: io::reader(&buffer). Not for several fibers at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "seek_from.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// Reads from a text of its own.
class GOSSAMER_API string_reader {
 public:
  explicit string_reader(std::string text) noexcept : text_(std::move(text)) {}
  string_reader(const string_reader&) = delete;
  string_reader& operator=(const string_reader&) = delete;

  template <detail::writable_bytes R>
  result read(R&& to) {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  // At a place of its own, as a reader_at.
  template <detail::writable_bytes R>
  result read_at(R&& to, std::int64_t offset) const {
    return read_some_at(std::as_writable_bytes(std::span(to)), offset);
  }
  // As a seeker: behind the end reads find io::eof; before the beginning is an error, and nothing moves.
  std::pair<std::int64_t, error> seek(std::int64_t offset, seek_from whence);
  // What has not been read yet. Until the next call.
  std::string_view rest() const noexcept { return from(read_); }
  std::size_t size() const noexcept { return rest().size(); }

 private:
  result read_some(std::span<std::byte> to) noexcept;
  result read_some_at(std::span<std::byte> to, std::int64_t offset) const;
  std::string_view from(std::size_t at) const noexcept {
    return std::string_view(text_).substr(std::min(at, text_.size()));
  }

  std::string text_;
  std::size_t read_ = 0;
};

// Grows with what is written, and gives it back to whoever reads. A read when it is empty: io::eof.
class GOSSAMER_API buffer {
 public:
  buffer() noexcept = default;
  explicit buffer(std::string text) noexcept : bytes_(std::move(text)) {}
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;

  template <detail::writable_bytes R>
  result read(R&& to) {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write(R&& from) {
    return append(std::as_bytes(std::span(from)));
  }
  result write(std::string_view from) { return append(std::as_bytes(std::span(from))); }

  // What has not been read. The view holds until the next call that is not const.
  std::string_view text() const noexcept { return std::string_view(bytes_).substr(read_); }
  std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(text())); }
  std::size_t size() const noexcept { return bytes_.size() - read_; }
  bool empty() const noexcept { return size() == 0; }
  void reset() noexcept {
    bytes_.clear();
    read_ = 0;
  }
  // Keeps the first n of what has not been read. Panics if there are fewer.
  void truncate(std::size_t n);

 private:
  result read_some(std::span<std::byte> to) noexcept;
  result append(std::span<const std::byte> from);

  std::string bytes_;
  std::size_t read_ = 0;
};

}  // namespace gossamer::inline v0::io
