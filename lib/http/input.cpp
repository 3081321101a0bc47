#include "http/input.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gossamer::inline v0::http {

void input::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  }
  if (end_ < capacity_) {
    return;
  }
  if (begin_ > 0 && begin_ >= capacity_ / 2) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  } else {
    const std::size_t larger = capacity_ == 0 ? first_size_ : 2 * capacity_;
    auto next = std::make_unique_for_overwrite<char[]>(larger);
    if (end_ > begin_) {
      std::memcpy(next.get(), buffer_.get() + begin_, end_ - begin_);
    }
    buffer_ = std::move(next);
    capacity_ = larger;
  }
  end_ -= begin_;
  begin_ = 0;
}

gossamer::error input::fill(const net::ending& end) {
  make_room();
  const auto [n, err] = conn_.read(std::span(buffer_.get() + end_, capacity_ - end_), end);
  end_ += n;
  return n > 0 ? gossamer::error() : err;
}

gossamer::error input::fill() {
  gossamer::error err = fill(net::ending());
  look_at(err);
  return err;
}

std::size_t input::take(std::span<std::byte> to) noexcept {
  const std::size_t n = std::min(to.size(), end_ - begin_);
  std::memcpy(to.data(), buffer_.get() + begin_, n);
  begin_ += n;
  return n;
}

io::result input::read(std::span<std::byte> to, const net::ending& end) {
  if (empty()) {
    if (to.size() >= first_size_) {
      return conn_.read(to, end);
    }
    if (const gossamer::error err = fill(end)) {
      return {0, err};
    }
  }
  return {take(to), nullptr};
}

io::result input::read(std::span<std::byte> to) {
  auto [n, err] = read(to, net::ending());
  if (err) {
    look_at(err);
  }
  return {n, std::move(err)};
}

bool input::settle() noexcept {
  if (!empty() || capacity_ <= kept_size) {
    return false;
  }
  buffer_.reset();
  capacity_ = begin_ = end_ = 0;
  return true;
}

}  // namespace gossamer::inline v0::http
