// counted: an object that is shared by handles, and counts them itself.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace gossamer::inline v0::detail {

class counted {
 public:
  counted() noexcept = default;
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  virtual ~counted() = default;

 private:
  template <class T>
  friend class reference;

  std::atomic<std::uint32_t> handles_{0};
};

// Null, or counts as one handle. Each thread needs a handle of its own; the last one destroys the object.
template <class T>
class reference {
 public:
  constexpr reference() noexcept = default;
  constexpr reference(std::nullptr_t) noexcept {}
  explicit reference(T* object) noexcept : object_(object) { keep(); }
  // A reference to a part of it.
  template <std::derived_from<T> U>
    requires(!std::same_as<U, T>)
  reference(const reference<U>& other) noexcept : reference(other.get()) {}
  reference(const reference& other) noexcept : object_(other.object_) { keep(); }
  reference(reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  reference& operator=(reference other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~reference() {
    if (counted* const c = object_) {
      // acq_rel: what others did with their handles happens before the object's end.
      if (c->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete c;
      }
    }
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const reference& r, std::nullptr_t) noexcept { return r.object_ == nullptr; }

 private:
  void keep() const noexcept {
    if (counted* const c = object_) {
      c->handles_.fetch_add(1, std::memory_order_relaxed);  // relaxed: whoever copies has a handle already
    }
  }

  T* object_ = nullptr;
};

}  // namespace gossamer::inline v0::detail
