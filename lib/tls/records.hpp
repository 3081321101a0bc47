// records: where one record ends and the next begins, in what has come from the peer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gossamer::inline v0::tls {

class records {
 public:
  using header = std::array<std::uint8_t, 5>;

  void pass(std::span<const std::byte> input) noexcept {
    while (!input.empty()) {
      if (left_ > 0) {
        const std::size_t n = std::min(input.size(), left_);
        left_ -= n;
        input = input.subspan(n);
        continue;
      }
      header_[got_++] = static_cast<std::uint8_t>(input.front());
      input = input.subspan(1);
      if (got_ == header_.size()) {
        left_ = static_cast<std::size_t>(header_[3] << 8 | header_[4]);
        got_ = 0;
        first_ = any_ ? first_ : header_;
        any_ = true;
      }
    }
  }

  // Between two records there is neither.
  bool within() const noexcept { return got_ > 0 || left_ > 0; }
  // Whether a header has come yet, and the first.
  bool any() const noexcept { return any_; }
  const header& first() const noexcept { return first_; }

 private:
  header header_{};
  header first_{};
  std::size_t got_ = 0;   // of header_
  std::size_t left_ = 0;  // of the record
  bool any_ = false;
};

}  // namespace gossamer::inline v0::tls
