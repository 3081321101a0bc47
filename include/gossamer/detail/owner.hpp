// owner: std::unique_ptr without <memory>.
#pragma once

#include <utility>

namespace gossamer::inline v0::detail {

// Null, or destroys its object when it ends.
template <class T>
class owner {
 public:
  constexpr owner() noexcept = default;
  explicit owner(T* object) noexcept : object_(object) {}
  owner(owner&& other) noexcept : object_(other.release()) {}
  owner& operator=(owner&& other) noexcept {
    delete std::exchange(object_, other.release());
    return *this;
  }
  ~owner() { delete object_; }

  T* get() const noexcept { return object_; }
  T* release() noexcept { return std::exchange(object_, nullptr); }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace gossamer::inline v0::detail
