// memory: see gossamer/io/memory.hpp.
#include "gossamer/io/memory.hpp"

#include <algorithm>
#include <cstring>

#include "gossamer/panic.hpp"

namespace gossamer::inline v0::io {

namespace {

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

result buffer::read_some(std::span<std::byte> to) noexcept {
  result r = take(text(), read_, to);
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
