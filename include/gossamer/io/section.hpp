// io/section: parts of what is read and written.
// Source: Go's io.LimitedReader, SectionReader and OffsetWriter. In place: io::reader(&section). read_at() and
// write_at() from several fibers at once, if what lies below may be used so; the other calls not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "interfaces.hpp"
#include "seek_from.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// Reads at most n bytes of another, then io::eof. limit_reader(r, n) makes one, which as<io::limited_reader>() finds.
class GOSSAMER_API limited_reader {
 public:
  limited_reader(reader from, std::int64_t n) noexcept : from_(std::move(from)), left_(n) {}
  limited_reader(const limited_reader&) = delete;
  limited_reader& operator=(const limited_reader&) = delete;

  template <detail::writable_bytes R>
  result read(R&& to) {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  // How many may still be read; what it was made with, if that is below 0.
  std::int64_t left() const noexcept { return left_; }
  void set_left(std::int64_t n) noexcept { left_ = n; }
  const reader& from() const noexcept { return from_; }

 private:
  result read_some(std::span<std::byte> to);

  reader from_;
  std::int64_t left_;
};

// The n bytes of another that begin at `offset`, as if they were all there is. Where offset + n does not fit: to the
// end.
class GOSSAMER_API section_reader {
 public:
  section_reader(reader_at from, std::int64_t offset, std::int64_t n) noexcept;
  section_reader(const section_reader&) = delete;
  section_reader& operator=(const section_reader&) = delete;

  // io::eof at the end of the section.
  template <detail::writable_bytes R>
  result read(R&& to) {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  // Of the section's bytes, from `offset` in it; io::eof outside of it, and with what is cut off by its end.
  template <detail::writable_bytes R>
  result read_at(R&& to, std::int64_t offset) const {
    return read_some_at(std::as_writable_bytes(std::span(to)), offset);
  }
  // In the section. Behind its end reads find io::eof; before its beginning is an error, and nothing moves.
  place seek(std::int64_t offset, seek_from whence);
  std::int64_t size() const noexcept { return limit_ - base_; }

  // What it was made of.
  struct origin {
    reader_at from;
    std::int64_t offset;
    std::int64_t n;
  };
  origin outer() const { return {from_, base_, n_}; }

 private:
  result read_some(std::span<std::byte> to);
  result read_some_at(std::span<std::byte> to, std::int64_t offset) const;
  // As much of `to` as the section has from `at` on, which is below limit_.
  std::span<std::byte> cut(std::span<std::byte> to, std::int64_t at) const noexcept;

  reader_at from_;
  std::int64_t base_;
  std::int64_t n_;
  std::int64_t limit_;  // the section ends before it
  std::int64_t at_;     // where the next read begins, >= base_
};

// Writes into another from `base` on. Several writers of different parts may write at once.
class GOSSAMER_API offset_writer {
 public:
  offset_writer(writer_at to, std::int64_t base) noexcept : to_(std::move(to)), base_(base), at_(base) {}
  offset_writer(const offset_writer&) = delete;
  offset_writer& operator=(const offset_writer&) = delete;

  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write(R&& from) {
    return write_all(std::as_bytes(std::span(from)));
  }
  result write(std::string_view from) { return write_all(std::as_bytes(std::span(from))); }
  // From `offset` behind the base, which is not below 0.
  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write_at(R&& from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }
  result write_at(std::string_view from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }
  // Counted from the base; from the end it is an error, since that is not known.
  place seek(std::int64_t offset, seek_from whence);

 private:
  result write_all(std::span<const std::byte> from);
  result write_all_at(std::span<const std::byte> from, std::int64_t offset) const;

  writer_at to_;
  std::int64_t base_;
  std::int64_t at_;
};

}  // namespace gossamer::inline v0::io
