// trace_reference: counts as one handle to the frames that threw something, or to none.
#pragma once

#include <cstddef>
#include <utility>

#include "config.hpp"

namespace gossamer::inline v0 {

namespace machine {
struct stack_trace;  // the library's own
}

namespace detail {

class GOSSAMER_API trace_reference {
 public:
  constexpr trace_reference() noexcept = default;
  constexpr trace_reference(std::nullptr_t) noexcept {}
  // From the heap, or null.
  explicit trace_reference(const machine::stack_trace* trace) noexcept;
  trace_reference(const trace_reference& other) noexcept : trace_reference(other.trace_) {}
  trace_reference(trace_reference&& other) noexcept : trace_(std::exchange(other.trace_, nullptr)) {}
  trace_reference& operator=(trace_reference other) noexcept {
    std::swap(trace_, other.trace_);
    return *this;
  }
  ~trace_reference() {
    if (trace_ != nullptr) {
      release();
    }
  }

  const machine::stack_trace* get() const noexcept { return trace_; }
  friend bool operator==(const trace_reference& r, std::nullptr_t) noexcept { return r.trace_ == nullptr; }

 private:
  void release() noexcept;

  const machine::stack_trace* trace_ = nullptr;
};

}  // namespace detail

}  // namespace gossamer::inline v0
