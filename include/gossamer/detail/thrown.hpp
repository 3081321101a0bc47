// thrown: what has left a call, to be thrown again later, in other fibers too, with the frames that threw it first.
#pragma once

#include <exception>
#include <memory>
#include <type_traits>

#include "config.hpp"

namespace gossamer::inline v0 {

namespace machine {
struct stack_trace;  // the library's own
}

namespace detail {

class GOSSAMER_API thrown {
 public:
  // Calls f(). An exception that leaves it is kept; goexit goes on.
  template <class F>
  void keep_from(F&& f) {
    call([](void* g) { (*static_cast<std::remove_reference_t<F>*>(g))(); },
         const_cast<std::remove_const_t<std::remove_reference_t<F>>*>(&f));
  }

  // Whether something is kept.
  explicit operator bool() const noexcept { return exception_ != nullptr; }
  const std::exception_ptr& exception() const noexcept { return exception_; }
  // Null where the frames are not known.
  const std::shared_ptr<const machine::stack_trace>& site() const noexcept { return site_; }
  // Throws what is kept: the same object. By any number of callers at once.
  [[noreturn]] void again() const;

 private:
  void call(void (*body)(void*), void* argument);

  std::exception_ptr exception_;
  std::shared_ptr<const machine::stack_trace> site_;
};

}  // namespace detail

}  // namespace gossamer::inline v0
