// relaxed: a field that is written only under its object's lock, but may be looked at without it. Such a look is a hint
// unless its reader orders it (see load_acquire).
#pragma once

#include <atomic>

namespace gossamer::inline v0::detail {

template <class T>
class relaxed {
 public:
  constexpr relaxed() noexcept = default;
  constexpr relaxed(T value) noexcept : value_(value) {}
  relaxed(const relaxed&) = delete;
  relaxed& operator=(const relaxed&) = delete;

  // relaxed, all of them: the lock orders its holders; those without it see some value that was there.
  operator T() const noexcept { return value_.load(std::memory_order_relaxed); }
  T operator->() const noexcept { return *this; }
  T operator=(T value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return value;
  }
  relaxed& operator++() noexcept {
    *this = *this + 1;
    return *this;
  }
  relaxed& operator--() noexcept {
    *this = *this - 1;
    return *this;
  }

  // A look without the lock that comes before the reader's next ones.
  T load_acquire() const noexcept { return value_.load(std::memory_order_acquire); }
  // Under the lock: what was written before is seen by load_acquire().
  void store_release(T value) noexcept { value_.store(value, std::memory_order_release); }

 private:
  std::atomic<T> value_{};
};

}  // namespace gossamer::inline v0::detail
