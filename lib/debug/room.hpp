// room: memory for one who may not call malloc: a reservation that is given out from its beginning, and never back.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <span>

namespace gossamer::inline v0::debug {

class room {
 public:
  // As much address space as there is, up to 64 GiB. Pages take memory when they are used.
  room() noexcept {
    for (bytes_ = std::size_t{64} << 30; bytes_ >= std::size_t{64} << 20; bytes_ /= 4) {
      void* const p =
          ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (p != MAP_FAILED) {
        begin_ = static_cast<std::byte*>(p);
        return;
      }
    }
    bytes_ = 0;
  }
  room(const room&) = delete;
  room& operator=(const room&) = delete;
  ~room() {
    if (begin_ != nullptr) {
      ::munmap(begin_, bytes_);
    }
  }

  // n objects, all bits of which are 0; fewer (none) where there is no room, and has_all() is false from then on.
  template <class T>
  std::span<T> take(std::size_t n) noexcept {
    const std::size_t at = (used_ + 63) & ~std::size_t{63};
    if (at > bytes_ || n > (bytes_ - at) / sizeof(T)) {
      has_all_ = false;
      return {};
    }
    used_ = at + n * sizeof(T);
    return {reinterpret_cast<T*>(begin_ + at), n};
  }
  // What is left. As far as it has been used take() gives it, if nothing else was taken meanwhile.
  template <class T>
  std::span<T> rest() noexcept {
    used_ = (used_ + 63) & ~std::size_t{63};
    return {reinterpret_cast<T*>(begin_ + used_), used_ < bytes_ ? (bytes_ - used_) / sizeof(T) : 0};
  }
  bool has_all() const noexcept { return has_all_; }
  const void* begin() const noexcept { return begin_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* begin_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t used_ = 0;
  bool has_all_ = true;
};

}  // namespace gossamer::inline v0::debug
