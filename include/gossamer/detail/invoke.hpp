// invoke: std::invoke and std::addressof, without <functional> and <memory>, which are a third of what a program that
// includes gossamer.hpp would parse.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

namespace gossamer::inline v0::detail {

template <class F, class... Args>
  requires std::is_invocable_v<F, Args...>
constexpr std::invoke_result_t<F, Args...> invoke(F&& f,
                                                  Args&&... args) noexcept(std::is_nothrow_invocable_v<F, Args...>) {
  if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>) {
    return std::apply(std::forward<F>(f), std::forward_as_tuple(std::forward<Args>(args)...));
  } else {
    return std::forward<F>(f)(std::forward<Args>(args)...);
  }
}

template <class T>
constexpr T* address_of(T& object) noexcept {
  return __builtin_addressof(object);
}
template <class T>
const T* address_of(const T&&) = delete;

}  // namespace gossamer::inline v0::detail
