// garbage: things that nobody finds any more and that are still to be destroyed, linked through themselves.
#pragma once

#include <utility>

namespace gossamer::inline v0::detail {

struct garbage {
  garbage* next = nullptr;
  // Destroys it, and what the user put into it. May block, and may call whatever the user's destructors do.
  void (*destroy)(garbage*) noexcept = nullptr;
};

// Owned by its user; must be empty when it goes.
class garbage_list {
 public:
  constexpr garbage_list() noexcept = default;
  garbage_list(garbage_list&& other) noexcept : head_(other.release()) {}
  garbage_list& operator=(garbage_list&&) = delete;

  bool empty() const noexcept { return head_ == nullptr; }
  void push(garbage* g) noexcept {
    g->next = head_;
    head_ = g;
  }
  garbage* pop() noexcept {
    garbage* const g = head_;
    if (g != nullptr) {
      head_ = g->next;
    }
    return g;
  }
  // All of it, linked; the list is empty then.
  garbage* release() noexcept { return std::exchange(head_, nullptr); }
  void destroy_all() noexcept {
    while (garbage* g = pop()) {
      g->destroy(g);
    }
  }

 private:
  garbage* head_ = nullptr;
};

}  // namespace gossamer::inline v0::detail
