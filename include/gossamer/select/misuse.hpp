// select/misuse: what is no case of a select, and the sentence that says so. See detail/misuse.hpp. What takes anything
// takes at least one channel or case: POSIX has a recv(), a send() and a select() too.
#pragma once

#include <concepts>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../chan.hpp"
#include "../detail/misuse.hpp"
#include "../select.hpp"

namespace gossamer::inline v0 {

namespace detail {

template <class V>
concept is_place = std::same_as<std::remove_cvref_t<V>, std::source_location>;
template <class V>
concept is_ignored = std::same_as<std::remove_cvref_t<V>, std::remove_cvref_t<decltype(std::ignore)>>;

// A variable that the value of a receive goes to; V is the type of the expression.
template <class V, class T>
concept variable_of = std::is_convertible_v<V, T&>;
template <class V, class T>
concept target_of = is_ignored<V> || variable_of<V, T> || variable_of<V, std::optional<T>> ||
                    (std::same_as<T, unit> && variable_of<V, bool>) || receives<std::decay_t<V>, T>;

template <class V, class T>
constexpr void check_target() noexcept {
  using f = std::decay_t<V>;
  if constexpr (!std::default_initializable<T> && (std::invocable<f&, T> || std::invocable<f&, T, bool>)) {
    static_assert(type<T>::has_no_default,
                  "recv(ch, f): when ch is closed f gets T(), and this T has none: let f take a std::optional<T>");
  } else if constexpr (requires { &f::operator(); } || std::is_function_v<std::remove_pointer_t<f>>) {
    static_assert(callable<f>::template cannot_be_called_with<T>,
                  "recv(ch, f): f takes what the channel carries: (T), (T, bool), (std::optional<T>) or nothing");
  } else {
    static_assert(chan_carries<T>::template not_a<f>,
                  "recv(ch, v): v is a variable of what the channel carries, T, or a std::optional<T>, or a function");
  }
}

template <class C>
constexpr void check_case() noexcept {
  if constexpr (!one_case<C> && !one_default<C>) {
    static_assert(
        type<std::remove_cvref_t<C>>::is_no_case,
        "the arguments of a select are cases, recv(ch, …), send(ch, …) and otherwise, or one range of select_case");
  }
}

// What is returned for a case that is none.
using no_case = default_case<nothing>;

}  // namespace detail

template <detail::receiver C, class V>
  requires(!detail::target_of<V, detail::received_value<C>> && !detail::is_place<V>)
detail::no_case recv(C&&, V&&, std::source_location = {}) {
  detail::check_target<V, detail::received_value<C>>();
  return {};
}
template <detail::receiver C, class V, class Ok>
  requires(!detail::is_place<Ok> && !((detail::is_ignored<V> || detail::variable_of<V, detail::received_value<C>>) &&
                                      detail::variable_of<Ok, bool>))
detail::no_case recv(C&&, V&&, Ok&&, std::source_location = {}) {
  if constexpr (detail::variable_of<Ok, bool>) {
    static_assert(detail::chan_carries<detail::received_type<C>>::template not_a<std::decay_t<V>>,
                  "recv(ch, v, ok): v is a variable of what the channel carries");
  } else {
    static_assert(detail::type<Ok>::is_no_bool, "recv(ch, v, ok): ok is a variable of type bool");
  }
  return {};
}
template <detail::sender C, class... Args>
  requires(!detail::receiver<C>)
detail::no_case recv(C&&, Args&&...) {
  detail::check_receives<std::remove_cvref_t<C>>();
  return {};
}

template <detail::sender C, class V, class... Then>
  requires(!std::is_void_v<detail::sent_type<C>> && !detail::sends<V, detail::sent_value<C>>)
detail::no_case send(C&&, V&&, Then&&...) {
  detail::check_carries<std::remove_cvref_t<C>, V>();
  return {};
}
template <detail::sender C, class V, class Then>
  requires(!std::is_void_v<detail::sent_type<C>> && detail::sends<V, detail::sent_value<C>> && !std::invocable<Then> &&
           !detail::is_place<Then>)
detail::no_case send(C&&, V&&, Then&&, std::source_location = {}) {
  detail::check_called<Then>();
  return {};
}
template <detail::sender C>
  requires(!std::is_void_v<detail::sent_type<C>>)
detail::no_case send(C&&) {
  detail::check_value_given<detail::sent_type<C>>();
  return {};
}
template <detail::sender C, class V>
  requires(std::is_void_v<detail::sent_type<C>> && !std::invocable<V> && !detail::sends<V, detail::sent_value<C>>)
detail::no_case send(C&&, V&&, std::source_location = {}) {
  detail::check_carries<std::remove_cvref_t<C>, V>();
  return {};
}
template <detail::receiver C, class... Args>
  requires(!detail::sender<C>)
detail::no_case send(C&&, Args&&...) {
  detail::check_sends<std::remove_cvref_t<C>>();
  return {};
}

template <class... Cases>
  requires((detail::one_case<Cases> || detail::one_default<Cases> || channel<std::remove_cvref_t<Cases>>) || ...) &&
          (!(detail::one_case<Cases> || detail::one_default<Cases>) || ...)
selected select(Cases&&...) {
  (detail::check_case<Cases>(), ...);
  return {};
}

}  // namespace gossamer::inline v0
