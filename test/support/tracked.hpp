// tracked: values that count how many of them are alive, to show that each is destroyed exactly once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

namespace support {

// The count of one family of values. A test that uses a family finds it at zero and leaves it at zero.
template <class Family>
struct census {
  static inline std::atomic<int> alive{0};
};

// Member of a value: counts its life. Ends the process if it dies twice or is used when dead.
template <class Family>
class life {
 public:
  life() noexcept { begin(); }
  life(const life& other) noexcept {
    other.check();
    begin();
  }
  life& operator=(const life& other) noexcept {
    check();
    other.check();
    return *this;
  }
  ~life() {
    check();
    mark_ = dead;
    --census<Family>::alive;
  }

 private:
  static constexpr std::uint64_t living = 0xa11ce0a11ce0a11c;
  static constexpr std::uint64_t dead = 0xdeadbeefdeadbeef;
  void begin() noexcept {
    mark_ = living;
    ++census<Family>::alive;
  }
  void check() const noexcept {
    if (mark_ != living) {
      std::abort();
    }
  }
  // volatile: the store in the destructor is a dead one to the compiler.
  volatile std::uint64_t mark_;
};

}  // namespace support
