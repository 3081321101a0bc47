// descriptor_pool: the memory of all descriptors. They are known by index, as the kernel hands it back with each event.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "event/descriptor.hpp"

namespace gossamer::inline v0::event {

class descriptor_pool {
 public:
  constexpr descriptor_pool() noexcept = default;

  // Null where there is no memory, or where there are 2^20 already.
  descriptor* take() noexcept;
  void give(descriptor* d) noexcept;
  // One that take() has given out at some time.
  descriptor& at(std::uint32_t index) noexcept {
    assert(index < chunk_size * chunks);
    // acquire: pairs with the release in take().
    return chunks_[index / chunk_size].load(std::memory_order_acquire)[index % chunk_size];
  }
  // Calls f with each that there is, under its guard, until f returns true; whether it has.
  template <class F>
  bool any_of(F f) noexcept {
    const std::scoped_lock hold(lock_);
    for (std::uint32_t i = 0; i < chunks_made_ * chunk_size; ++i) {
      descriptor& d = at(i);
      const std::scoped_lock hold_one(d.guard);
      if (f(d)) {
        return true;
      }
    }
    return false;
  }
  // Whether any fiber or thread waits on one.
  bool anybody_waits() noexcept;

 private:
  static constexpr std::uint32_t chunk_size = 256;
  static constexpr std::uint32_t chunks = 4096;

  std::array<std::atomic<descriptor*>, chunks> chunks_{};
  std::mutex lock_;
  // Guarded by lock_.
  descriptor* free_ = nullptr;
  std::uint32_t chunks_made_ = 0;
};

}  // namespace gossamer::inline v0::event
