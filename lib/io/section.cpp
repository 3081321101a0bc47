// section: see gossamer/io/section.hpp and gossamer/io/interfaces.hpp.
#include "gossamer/io/section.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"

namespace gossamer::inline v0::io {

namespace {

constinit const errors::sentinel invalid_whence{"Seek: invalid whence"};
constinit const errors::sentinel invalid_offset{"Seek: invalid offset"};

error of_nil() { return os::system_error(EINVAL); }

// offset from `start`; nothing before `first`.
place place_at(std::int64_t start, std::int64_t offset, std::int64_t first) {
  std::int64_t at = 0;
  if (__builtin_add_overflow(start, offset, &at) || at < first) {
    return {0, invalid_offset};
  }
  return {at, nullptr};
}

// Sets `at` to that; the result counts from the base, before which nothing lies.
place move_to(std::int64_t& at, std::int64_t start, std::int64_t offset, std::int64_t base) {
  assert(at >= base);
  auto [found, err] = place_at(start, offset, base);
  if (err) {
    return {0, std::move(err)};
  }
  at = found;
  return {at - base, nullptr};
}

struct stays_open {
  error close() const noexcept { return nullptr; }
};

}  // namespace

// ---- interface values -----------------------------------------------------------------------------------------------

error closer::close() const { return its_ ? its_->close() : of_nil(); }

place seeker::seek(std::int64_t offset, seek_from whence) const {
  return its_ ? its_->seek(offset, whence) : place(0, of_nil());
}

result reader_at::read_some_at(std::span<std::byte> to, std::int64_t offset) const {
  result r = its_ ? its_->read_at(to, offset) : result(0, of_nil());
  if (r.first > to.size()) {
    panic("io: a reader returned more than there was room for");
  }
  return r;
}

result writer_at::write_all_at(std::span<const std::byte> from, std::int64_t offset) const {
  result r = its_ ? its_->write_at(from, offset) : result(0, of_nil());
  if (r.first > from.size()) {
    return {0, r.second ? std::move(r.second) : error(invalid_write)};
  }
  if (r.first < from.size() && !r.second) {
    r.second = short_write;
  }
  return r;
}

read_closer nop_closer(reader from) { return read_closer(std::move(from), closer(stays_open())); }

// ---- limited_reader -------------------------------------------------------------------------------------------------

result limited_reader::read_some(std::span<std::byte> to) {
  if (left_ <= 0) {
    return {0, eof};
  }
  result r = from_.read(to.first(std::min<std::uint64_t>(to.size(), static_cast<std::uint64_t>(left_))));
  left_ -= static_cast<std::int64_t>(r.first);
  assert(left_ >= 0);
  return r;
}

// ---- section_reader -------------------------------------------------------------------------------------------------

section_reader::section_reader(reader_at from, std::int64_t offset, std::int64_t n) noexcept
    : from_(std::move(from)), base_(offset), n_(n), limit_(0), at_(offset) {
  if (__builtin_add_overflow(offset, n, &limit_)) {
    limit_ = n > 0 ? std::numeric_limits<std::int64_t>::max() : offset;
  }
}

std::span<std::byte> section_reader::cut(std::span<std::byte> to, std::int64_t at) const noexcept {
  assert(at >= base_ && at < limit_);
  return to.first(std::min<std::uint64_t>(to.size(), static_cast<std::uint64_t>(limit_ - at)));
}

result section_reader::read_some(std::span<std::byte> to) {
  if (at_ >= limit_) {
    return {0, eof};
  }
  result r = from_.read_at(cut(to, at_), at_);
  at_ += static_cast<std::int64_t>(r.first);
  return r;
}

result section_reader::read_some_at(std::span<std::byte> to, std::int64_t offset) const {
  if (offset < 0 || offset >= size()) {
    return {0, eof};
  }
  const std::span<std::byte> room = cut(to, base_ + offset);
  result r = from_.read_at(room, base_ + offset);
  if (room.size() < to.size() && !r.second) {
    r.second = eof;
  }
  return r;
}

place section_reader::seek(std::int64_t offset, seek_from whence) {
  if (whence > seek_from::end) {
    return {0, invalid_whence};
  }
  const std::int64_t start = whence == seek_from::start ? base_ : whence == seek_from::current ? at_ : limit_;
  return move_to(at_, start, offset, base_);
}

// ---- offset_writer --------------------------------------------------------------------------------------------------

result offset_writer::write_all(std::span<const std::byte> from) {
  result r = to_.write_at(from, at_);
  at_ += static_cast<std::int64_t>(r.first);
  return r;
}

result offset_writer::write_all_at(std::span<const std::byte> from, std::int64_t offset) const {
  const auto [at, err] = place_at(base_, offset, base_);
  if (err) {
    return {0, err};
  }
  return to_.write_at(from, at);
}

place offset_writer::seek(std::int64_t offset, seek_from whence) {
  if (whence >= seek_from::end) {
    return {0, invalid_whence};
  }
  return move_to(at_, whence == seek_from::start ? base_ : at_, offset, base_);
}

}  // namespace gossamer::inline v0::io
