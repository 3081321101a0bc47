// op_room: memory for one of Asio's operations, so that starting it cannot fail. There is one at a time: Asio gives the
// memory back before it calls the handler.
#pragma once

#include <cstddef>

namespace gossamer::inline v0::event {

class op_room {
 public:
  // What a handler names as its allocator.
  template <class T>
  class allocator {
   public:
    using value_type = T;
    explicit allocator(op_room& room) noexcept : room_(&room) {}
    template <class U>
    allocator(const allocator<U>& other) noexcept : room_(other.room_) {}

    T* allocate(std::size_t) noexcept {
      static_assert(sizeof(T) <= bytes && alignof(T) <= alignof(std::max_align_t));
      return reinterpret_cast<T*>(room_->memory_);
    }
    void deallocate(T*, std::size_t) noexcept {}
    template <class U>
    bool operator==(const allocator<U>& other) const noexcept {
      return room_ == other.room_;
    }

   private:
    template <class U>
    friend class allocator;
    op_room* room_;
  };

  op_room() noexcept = default;
  op_room(const op_room&) = delete;
  op_room& operator=(const op_room&) = delete;

 private:
  static constexpr std::size_t bytes = 192;
  alignas(std::max_align_t) std::byte memory_[bytes];
};

}  // namespace gossamer::inline v0::event
