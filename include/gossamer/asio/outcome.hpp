// outcome: what an operation hands over, by the arguments of its completion signature.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <concepts>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace gossamer::inline v0::detail {

// Not a template: what the caller looks at when the handler has been called or destroyed.
struct outcome_base {
  boost::system::error_code code;
  std::exception_ptr thrown;

  // A system_error becomes its code.
  void thrown_to_code() {
    try {
      std::rethrow_exception(std::exchange(thrown, nullptr));
    } catch (const boost::system::system_error& e) {
      code = e.code();
    }
  }
};

template <class... Values>
struct outcome_of : outcome_base {
  std::optional<std::tuple<Values...>> values;

  using type = std::tuple<Values...>;
  type take() { return std::move(*values); }

  template <class... As>
  void keep(As&&... as) {
    values.emplace(std::forward<As>(as)...);
  }
};
template <class Value>
struct outcome_of<Value> : outcome_base {
  std::optional<Value> values;

  using type = Value;
  type take() { return std::move(*values); }

  template <class A>
  void keep(A&& a) {
    values.emplace(std::forward<A>(a));
  }
};
template <>
struct outcome_of<> : outcome_base {
  bool values = false;

  using type = void;
  void take() noexcept {}

  void keep() noexcept { values = true; }
};

// By the signature's arguments: the first of them may be an error.
template <class... Args>
struct outcome : outcome_of<std::decay_t<Args>...> {
  template <class... As>
  void hand_over(As&&... as) {
    this->keep(std::forward<As>(as)...);
  }
};
template <class First, class... Rest>
  requires std::same_as<std::decay_t<First>, boost::system::error_code>
struct outcome<First, Rest...> : outcome_of<std::decay_t<Rest>...> {
  template <class... As>
  void hand_over(const boost::system::error_code& ec, As&&... as) {
    this->code = ec;
    this->keep(std::forward<As>(as)...);
  }
};
template <class First, class... Rest>
  requires std::same_as<std::decay_t<First>, std::exception_ptr>
struct outcome<First, Rest...> : outcome_of<std::decay_t<Rest>...> {
  template <class E, class... As>
  void hand_over(E&& e, As&&... as) {
    this->thrown = std::forward<E>(e);
    this->keep(std::forward<As>(as)...);
  }
};

}  // namespace gossamer::inline v0::detail
