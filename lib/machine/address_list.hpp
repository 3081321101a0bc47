// address_list: the innermost return addresses of a stack that fit into a given place, but the first `skip`. What a
// walk fills in a stack_trace's stead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace gossamer::inline v0::machine {

class address_list {
 public:
  address_list(std::size_t skip, std::span<const void*> to) noexcept : skip_(skip), to_(to) {}

  void clear() noexcept { seen_ = 0; }
  void add(const void* address) noexcept {
    if (seen_ >= skip_ && !full()) {
      to_[seen_ - skip_] = address;
    }
    ++seen_;
  }
  // Nothing that comes is wanted any more.
  bool full() const noexcept { return seen_ >= skip_ + to_.size(); }
  // The walk has come to the stack's end.
  void end() noexcept {}
  std::size_t size() const noexcept { return std::min(seen_ - std::min(seen_, skip_), to_.size()); }

 private:
  std::size_t skip_;
  std::span<const void*> to_;
  std::size_t seen_ = 0;
};

}  // namespace gossamer::inline v0::machine
