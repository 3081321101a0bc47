// memory: see gossamer/io/memory.hpp.
#include "gossamer/io/memory.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "gossamer/panic.hpp"

namespace gossamer::inline v0::io {

namespace {

constinit const errors::sentinel negative_offset{"strings.Reader.ReadAt: negative offset"};
constinit const errors::sentinel negative_position{"strings.Reader.Seek: negative position"};

// What has not been read of `all`, as much as there is room for.
result take(std::string_view rest, std::size_t& read, std::span<std::byte> to) noexcept {
  if (rest.empty()) {
    return {0, to.empty() ? error() : error(eof)};
  }
  const std::size_t n = std::min(rest.size(), to.size());
  std::copy_n(std::as_bytes(std::span(rest)).begin(), n, to.begin());
  read += n;
  return {n, nullptr};
}

}  // namespace

result string_reader::read_some(std::span<std::byte> to) noexcept { return take(rest(), read_, to); }

result string_reader::read_some_at(std::span<std::byte> to, std::int64_t offset) const {
  if (offset < 0) {
    return {0, negative_offset};
  }
  const std::string_view all = from(static_cast<std::size_t>(offset));
  std::size_t unused = 0;
  result r = all.empty() ? result(0, eof) : take(all, unused, to);
  if (r.first < to.size()) {
    r.second = eof;
  }
  return r;
}

std::pair<std::int64_t, error> string_reader::seek(std::int64_t offset, seek_from whence) {
  const std::size_t base = whence == seek_from::start ? 0 : whence == seek_from::current ? read_ : text_.size();
  std::int64_t at = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(base), offset, &at) || at < 0) {
    return {0, negative_position};
  }
  read_ = static_cast<std::size_t>(at);
  return {at, nullptr};
}

result buffer::read_some(std::span<std::byte> to) noexcept {
  result r = take(text(), read_, to);
  assert(read_ <= bytes_.size());
  if (empty()) {
    reset();
  }
  return r;
}

result buffer::append(std::span<const std::byte> from) {
  const char* const first = reinterpret_cast<const char*>(from.data());
  // What has been read makes room, once it is the greater part; not if it is that which is written.
  const bool own = !from.empty() && first >= bytes_.data() && first < bytes_.data() + bytes_.size();
  if (read_ > bytes_.size() / 2 && !own) {
    bytes_.erase(0, read_);
    read_ = 0;
  }
  bytes_.append(first, from.size());
  return {from.size(), nullptr};
}

void buffer::truncate(std::size_t n) {
  if (n > size()) {
    panic("bytes.Buffer: truncation out of range");
  }
  bytes_.resize(read_ + n);
}

}  // namespace gossamer::inline v0::io
