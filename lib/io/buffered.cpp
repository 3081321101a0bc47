// buffered: see gossamer/io/buffered.hpp.
#include "gossamer/io/buffered.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <tuple>

#include "io/attempts.hpp"

namespace gossamer::inline v0::io {

namespace {

constexpr std::size_t least_bytes = 16;

std::unique_ptr<std::byte[]> make_room(std::size_t bytes) { return std::make_unique_for_overwrite<std::byte[]>(bytes); }

}  // namespace

// ---- buffered_reader ------------------------------------------------------------------------------------------------

buffered_reader::buffered_reader(reader from, std::size_t bytes)
    : from_(std::move(from)), buffer_(make_room(std::max(bytes, least_bytes))), size_(std::max(bytes, least_bytes)) {}

void buffered_reader::take(std::size_t n) noexcept {
  assert(n <= buffered());
  begin_ += n;
  if (n > 0) {
    last_ = std::to_integer<int>(buffer_[begin_ - 1]);
  }
}

// Room in the buffer for what comes next, of which there is some.
std::span<std::byte> buffered_reader::make_space() noexcept {
  assert(begin_ <= end_ && end_ <= size_ && buffered() < size_);
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
    end_ -= begin_;
    begin_ = 0;
  }
  return std::span(buffer_.get() + end_, size_ - end_);
}

// There is room in the buffer, and no error. Reads until there is something more, or an error.
void buffered_reader::fill() {
  assert(!err_);
  auto [n, err] = read_something(from_, make_space());
  end_ += n;
  assert(end_ <= size_);
  err_ = std::move(err);
}

result buffered_reader::read_some(std::span<std::byte> to) {
  last_ = to.empty() ? last_ : -1;
  if (to.empty()) {
    return {0, buffered() > 0 ? error() : std::exchange(err_, nullptr)};
  }
  if (buffered() == 0) {
    if (err_) {
      return {0, std::exchange(err_, nullptr)};
    }
    if (to.size() >= size_) {  // the buffer would only cost a copy
      result r = from_.read(to);
      if (r.first > 0) {
        // So that it may be put back.
        begin_ = end_ = 1;
        buffer_[0] = to[r.first - 1];
        last_ = std::to_integer<int>(buffer_[0]);
      }
      return r;
    }
    std::size_t got = 0;
    std::tie(got, err_) = from_.read(make_space());
    end_ += got;
    if (got == 0) {
      return {0, std::exchange(err_, nullptr)};
    }
  }
  const std::size_t n = std::min(to.size(), buffered());
  std::copy_n(content().begin(), n, to.begin());
  take(n);
  return {n, nullptr};
}

std::pair<std::byte, error> buffered_reader::read_byte() {
  last_ = -1;
  while (buffered() == 0) {
    if (err_) {
      return {std::byte{}, std::exchange(err_, nullptr)};
    }
    fill();
  }
  take(1);
  return {static_cast<std::byte>(last_), nullptr};
}

error buffered_reader::unread_byte() {
  if (last_ < 0 || (begin_ == 0 && end_ > 0)) {
    return invalid_unread_byte;
  }
  if (begin_ > 0) {
    --begin_;
  } else {
    end_ = 1;
  }
  assert(begin_ < end_);
  buffer_[begin_] = static_cast<std::byte>(last_);
  last_ = -1;
  return nullptr;
}

std::pair<std::string, error> buffered_reader::read_until(std::byte delimiter) {
  std::string all;
  last_ = -1;
  for (;;) {
    const std::span<std::byte> there = content();
    const auto found = std::find(there.begin(), there.end(), delimiter);
    const std::size_t wanted = static_cast<std::size_t>(found - there.begin()) + (found != there.end() ? 1 : 0);
    assert(all.size() <= limit_);
    const std::size_t n = std::min(wanted, limit_ - all.size());
    all.append(reinterpret_cast<const char*>(there.data()), n);
    take(n);
    if (n < wanted) {
      return {std::move(all), too_long};
    }
    if (found != there.end()) {
      return {std::move(all), nullptr};
    }
    if (err_) {
      return {std::move(all), std::exchange(err_, nullptr)};
    }
    fill();
  }
}

std::pair<std::string, error> buffered_reader::read_string(char delimiter) {
  return read_until(static_cast<std::byte>(delimiter));
}

std::pair<std::string_view, error> buffered_reader::read_slice(char delimiter) {
  const auto of = [&](std::size_t n) {
    const std::string_view slice(reinterpret_cast<const char*>(content().data()), n);
    take(n);
    return slice;
  };
  last_ = -1;
  for (std::size_t searched = 0;;) {
    const std::span<std::byte> there = content();
    assert(searched <= there.size());
    if (const void* at = std::memchr(there.data() + searched, delimiter, there.size() - searched); at != nullptr) {
      return {of(static_cast<std::size_t>(static_cast<const std::byte*>(at) - there.data()) + 1), nullptr};
    }
    if (err_ || there.size() == size_) {
      return {of(there.size()), err_ ? std::exchange(err_, nullptr) : error(buffer_full)};
    }
    searched = there.size();
    fill();
  }
}

std::pair<std::string, error> buffered_reader::read_line() {
  auto [line, err] = read_until(std::byte{'\n'});
  if (!err) {
    assert(line.ends_with('\n'));
    line.pop_back();
    if (line.ends_with('\r')) {
      line.pop_back();
    }
  } else if (err == eof && !line.empty()) {
    err = nullptr;
  }
  return {std::move(line), std::move(err)};
}

std::pair<std::span<const std::byte>, error> buffered_reader::peek(std::int64_t n) {
  if (n < 0) {
    return {{}, negative_count};
  }
  last_ = -1;
  const auto wanted = static_cast<std::uint64_t>(n);
  while (buffered() < wanted && buffered() < size_ && !err_) {
    fill();
  }
  if (wanted <= buffered()) {
    return {content().first(wanted), nullptr};
  }
  // Too much stays so, and what ended the reading is told with what is there.
  error err = wanted > size_ ? error(buffer_full) : std::exchange(err_, nullptr);
  assert(err);
  return {content(), std::move(err)};
}

std::pair<std::int64_t, error> buffered_reader::skip(std::int64_t n) {
  if (n < 0) {
    return {0, negative_count};
  }
  std::int64_t skipped = 0;
  last_ = n > 0 ? -1 : last_;
  while (skipped < n) {
    if (buffered() == 0) {
      if (!err_) {
        fill();
      }
      if (buffered() == 0) {
        assert(err_);
        return {skipped, std::exchange(err_, nullptr)};
      }
    }
    const auto some = std::min<std::uint64_t>(buffered(), static_cast<std::uint64_t>(n - skipped));
    begin_ += some;
    skipped += static_cast<std::int64_t>(some);
  }
  return {skipped, nullptr};
}

void buffered_reader::reset(reader from) {
  if (from.as<buffered_reader>() == this) {
    return;
  }
  from_ = std::move(from);
  begin_ = end_ = 0;
  last_ = -1;
  err_ = nullptr;
}

// ---- buffered_writer ------------------------------------------------------------------------------------------------

buffered_writer::buffered_writer(writer to, std::size_t bytes)
    : to_(std::move(to)), buffer_(make_room(std::max(bytes, least_bytes))), size_(std::max(bytes, least_bytes)) {}

result buffered_writer::write_all(std::span<const std::byte> from) {
  std::size_t total = 0;
  while (!err_ && from.size() > available()) {
    std::size_t n = 0;
    if (used_ == 0) {  // the buffer would only cost a copy
      std::tie(n, err_) = to_.write(from);
    } else {
      n = available();
      put(from.first(n));
      flush();
    }
    total += n;
    from = from.subspan(n);
  }
  if (err_) {
    return {total, err_};
  }
  put(from);
  return {total + from.size(), nullptr};
}

// There is room for it, and it may stand there already: see available_buffer().
void buffered_writer::put(std::span<const std::byte> from) noexcept {
  assert(used_ <= size_ && from.size() <= available());
  if (from.data() != buffer_.get() + used_) {
    std::copy_n(from.begin(), from.size(), buffer_.get() + used_);
  }
  used_ += from.size();
}

void buffered_writer::reset(writer to) {
  if (to.as<buffered_writer>() == this) {
    return;
  }
  to_ = std::move(to);
  used_ = 0;
  err_ = nullptr;
}

error buffered_writer::flush() {
  if (err_ || used_ == 0) {
    return err_;
  }
  auto [n, err] = to_.write(std::span<const std::byte>(buffer_.get(), used_));
  assert(n <= used_ && (n == used_ || err));
  // What could not be written is still there.
  std::copy(buffer_.get() + n, buffer_.get() + used_, buffer_.get());
  used_ -= n;
  err_ = std::move(err);
  return err_;
}

constinit const errors::sentinel no_progress{"multiple Read calls return no data or error"};
constinit const errors::sentinel buffer_full{"bufio: buffer full"};
constinit const errors::sentinel negative_count{"bufio: negative count"};
constinit const errors::sentinel invalid_unread_byte{"bufio: invalid use of UnreadByte"};

}  // namespace gossamer::inline v0::io
