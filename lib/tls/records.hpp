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
      const std::size_t n = std::min(input.size(), left_ > 0 ? left_ : header_.size() - got_);
      if (left_ > 0) {
        left_ -= n;
      } else {
        std::ranges::transform(input.first(n), header_.begin() + static_cast<std::ptrdiff_t>(got_),
                               [](std::byte b) { return static_cast<std::uint8_t>(b); });
        got_ += n;
        if (got_ == header_.size()) {
          left_ = static_cast<std::size_t>(header_[3] << 8 | header_[4]);
          got_ = 0;
          first_ = any_ ? first_ : header_;
          any_ = true;
        }
      }
      input = input.subspan(n);
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
