// chan/value: what channels carry, and how a send or a receive came out.
#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>

#include "../detail/misuse.hpp"

namespace gossamer::inline v0 {

// The value of chan<void>: Go's struct{}{}.
struct unit {
  friend bool operator==(unit, unit) = default;
};

// The result of `ch >> v`: true if v was sent, false if the channel is closed. Converts to bool, and to nothing else.
class received {
 public:
  explicit constexpr received(bool ok) noexcept : ok_(ok) {}
  template <std::same_as<bool> B>
  constexpr operator B() const noexcept {
    return ok_;
  }

 private:
  bool ok_;
};

// How a send or a receive that does not wait for ever came out.
enum class channel_status {
  done,    // a value was sent or received
  closed,  // the channel is closed and drained (receive only)
  ended,   // the time had come, or the stop was set, before either
};

namespace detail {

template <class T>
using element = std::conditional_t<std::is_void_v<T>, unit, T>;

// What a channel may carry. A class may be incomplete where only its channels are named.
template <class T>
inline constexpr bool is_plain_value =
    (std::is_void_v<T> || (std::is_object_v<T> && !std::is_array_v<T>)) && std::is_same_v<T, std::remove_cv_t<T>>;

// An end of a channel and the place of the call: a converting parameter, so that an operator knows its place too.
template <class End>
struct placed {
  placed(const End& e, std::source_location w = std::source_location::current()) noexcept : end(e), where(w) {}
  const End& end;
  std::source_location where;
};

struct access;

// The error of a value that a channel of type C does not carry; V is the type of the expression.
template <class C, class V>
constexpr void check_carries() noexcept {
  using value_type = typename C::value_type;
  if constexpr (std::is_same_v<value_type, unit>) {
    static_assert(chan_carries<void>::template not_a<V>, "chan<void> carries no value: send()");
  } else if constexpr (std::is_same_v<value_type, std::remove_cvref_t<V>>) {
    static_assert(chan_carries<value_type>::template not_a<V>,
                  "the channel takes a copy, and this type has none: std::move it");
  } else {
    static_assert(chan_carries<value_type>::template not_a<std::remove_cvref_t<V>>,
                  "a chan<T> carries T: the value is of another type, which does not convert to T");
  }
}

// What `for (v : a send_chan)` is given, so that the sentence is the only error.
template <class T>
struct no_iterator {
  T operator*() const;
  no_iterator& operator++();
  bool operator!=(const no_iterator&) const;
};

}  // namespace detail

}  // namespace gossamer::inline v0
