// deferred_call: what a defer of a func() calls. Needs no allocation where a std::function would need none: a closure
// of two words or less that is copied bit by bit lies in it; another lies on the heap.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "invoke.hpp"
#include "runtime_error.hpp"
#include "spawn.hpp"

namespace gossamer::inline v0::detail {

// Holds a function until its end; movable. What has been moved from holds none, and is not to be called.
class deferred_call {
 public:
  // Throws what copying f throws, and std::bad_alloc.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, deferred_call>)
  explicit deferred_call(F&& f) {
    using closure = std::decay_t<F>;
    if (is_nil_function(f)) {
      call_ = [](void*) { call_of_nil(); };
    } else if constexpr (lies_here<closure>) {
      ::new (static_cast<void*>(room_)) closure(std::forward<F>(f));
      call_ = [](void* room) { detail::invoke(*std::launder(static_cast<closure*>(room))); };
    } else {
      ::new (static_cast<void*>(room_)) closure*(new closure(std::forward<F>(f)));
      call_ = [](void* room) { detail::invoke(*at<closure>(room)); };
      destroy_ = [](void* room) noexcept { delete at<closure>(room); };
    }
  }
  deferred_call(deferred_call&& other) noexcept
      : call_(std::exchange(other.call_, nullptr)), destroy_(std::exchange(other.destroy_, nullptr)) {
    __builtin_memcpy(room_, other.room_, sizeof room_);
  }
  deferred_call& operator=(deferred_call&&) = delete;
  ~deferred_call() {
    if (destroy_ != nullptr) {
      destroy_(room_);
    }
  }

  // Calls it. Panics with Go's text if it was made of a nil function.
  void operator()() { call_(room_); }

 private:
  static constexpr std::size_t room_bytes = 2 * sizeof(void*);
  // It is moved with the room, and nothing is to be done at its end.
  template <class F>
  static constexpr bool lies_here =
      sizeof(F) <= room_bytes && alignof(F) <= alignof(void*) && std::is_trivially_copyable_v<F>;
  template <class F>
  static F* at(void* room) noexcept {
    return *std::launder(static_cast<F**>(room));
  }

  void (*call_)(void* room);
  void (*destroy_)(void* room) noexcept = nullptr;
  alignas(void*) std::byte room_[room_bytes] = {};
};

}  // namespace gossamer::inline v0::detail
