// thrown: what has left a call, to be thrown again later, in other fibers too, with the frames that threw it first.
#pragma once

#include <exception>
#include <type_traits>

#include "config.hpp"
#include "trace_reference.hpp"

namespace gossamer::inline v0 {

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
  const trace_reference& site() const noexcept { return site_; }
  // Throws what is kept: the same object. By any number of callers at once.
  [[noreturn]] void again() const;

 private:
  void call(void (*body)(void*), void* argument);

  std::exception_ptr exception_;
  trace_reference site_;
};

}  // namespace detail

}  // namespace gossamer::inline v0
