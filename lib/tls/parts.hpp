// parts: what is to be written, in pieces that are a record each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::tls {

// Several small parts, a header and the beginning of a body, share a record: each costs its own bytes and its own
// round of the cipher.
class parts {
 public:
  static constexpr std::size_t small_bytes = 4096;

  explicit parts(std::span<const net::buffer> all) noexcept : left_(all) { skip(); }

  bool empty() const noexcept { return left_.empty(); }
  // The next piece, of at most so many bytes: a part of what is written, or gathered in `room`, which is made where it
  // is needed.
  net::buffer next(std::size_t most, std::unique_ptr<std::byte[]>& room) {
    const net::buffer front = left_.front().subspan(at_);
    if (front.size() >= small_bytes || left_.size() == 1) {
      return take(front.first(std::min(front.size(), most)));
    }
    if (!room) {
      room = std::make_unique_for_overwrite<std::byte[]>(small_bytes);
    }
    std::size_t n = 0;
    while (!left_.empty() && n < small_bytes) {
      const net::buffer from = left_.front().subspan(at_);
      const net::buffer taken = take(from.first(std::min(from.size(), small_bytes - n)));
      std::ranges::copy(taken, room.get() + n);
      n += taken.size();
    }
    return {room.get(), n};
  }

 private:
  net::buffer take(net::buffer piece) noexcept {
    at_ += piece.size();
    skip();
    return piece;
  }
  // What is at hand is not empty.
  void skip() noexcept {
    while (!left_.empty() && at_ == left_.front().size()) {
      left_ = left_.subspan(1);
      at_ = 0;
    }
  }

  std::span<const net::buffer> left_;
  std::size_t at_ = 0;  // of the first of them
};

}  // namespace gossamer::inline v0::tls
