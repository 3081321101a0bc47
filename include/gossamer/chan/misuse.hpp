// chan/misuse: what the operators and functions of channels are not for, and the sentence that says so. See
// detail/misuse.hpp; the members that an end does not have stand in its class.
#pragma once

#include <concepts>
#include <type_traits>

#include "../chan.hpp"
#include "../detail/misuse.hpp"

namespace gossamer::inline v0 {

namespace detail {

template <class C>
inline constexpr bool is_receiving = false;
template <class T>
inline constexpr bool is_receiving<chan<T>> = true;
template <class T>
inline constexpr bool is_receiving<recv_chan<T>> = true;
template <class C>
inline constexpr bool is_sending = false;
template <class T>
inline constexpr bool is_sending<chan<T>> = true;
template <class T>
inline constexpr bool is_sending<send_chan<T>> = true;

// V as the type of an expression: an lvalue is a reference.
template <class C, class V>
concept can_send = is_sending<C> && std::convertible_to<V, typename C::value_type>;
template <class C, class V>
concept can_receive_into = is_receiving<C> && std::is_convertible_v<V, typename C::value_type&>;

}  // namespace detail

// ch << v
template <channel C, class V>
  requires(!detail::can_send<C, V>)
void operator<<(const C&, V&&) {
  if constexpr (detail::is_sending<C>) {
    detail::check_carries<C, V>();
  } else {
    detail::check_sends<C>();
  }
}

// ch >> v
template <channel C, class V>
  requires(!detail::can_receive_into<C, V>)
received operator>>(const C&, V&&) {
  if constexpr (!detail::is_receiving<C>) {
    detail::check_receives<C>();
  } else {
    static_assert(detail::chan_carries<typename C::value_type>::template not_a<V>,
                  "ch >> v: v is a variable of what the channel carries");
  }
  return received(false);
}

// *ch
template <channel C>
  requires(!detail::is_receiving<C> || !std::default_initializable<typename C::value_type>)
typename C::value_type operator*(const C&) {
  if constexpr (!detail::is_receiving<C>) {
    detail::check_receives<C>();
  } else {
    static_assert(detail::type<typename C::value_type>::has_no_default,
                  "*ch of a closed channel is T(), and this T has none: use ch.recv(), which returns an optional");
  }
  __builtin_unreachable();
}

template <class T>
void close(const recv_chan<T>&) {
  detail::check_sends<recv_chan<T>>();
}

// Not a sentence: a `requires` may ask whether two channels can be compared.
template <channel A, channel B>
  requires(!std::same_as<typename A::value_type, typename B::value_type>)
bool operator==(const A& a, const B& b) = delete;  // channels that carry different types are never the same

template <class T, class N>
  requires(!std::integral<N>)
chan<T> make_chan(N) {
  static_assert(detail::type<N>::is_no_integer, "make_chan<T>(n): n is how many values are buffered, an integer");
  return {};
}

}  // namespace gossamer::inline v0
