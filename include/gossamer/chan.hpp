// chan: Go's channels. chan<T> is both ends; recv_chan<T> (<-chan T) and send_chan<T> (chan<- T) are one each, and are
// bases of it. All are handles: copying one refers to the same channel, nil refers to none. The channel lives as long
// as a handle to it does.
//
//   auto ch = make_chan<int>(2);
//   go([ch] {
//     for (int i = 0; i < 3; ++i) ch << i;
//     close(ch);
//   });
//   for (const int v : ch) sum += v;
//
// Blocking calls park the fiber (or block the thread). On a nil channel send and receive block for ever.
// Ordering: a send happens-before the receive of its value completes; close happens-before a receive that finds the
// channel closed; a receive from an unbuffered channel happens-before its send completes; the k-th receive from a
// channel of capacity C happens-before the (k+C)-th send completes.
// T may be move-only and need not be default constructible. It is moved under the channel's lock: a T whose move may
// throw costs an allocation a value instead.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "chan/recv_chan.hpp"  // IWYU pragma: export
#include "chan/send_chan.hpp"  // IWYU pragma: export
#include "chan/value.hpp"      // IWYU pragma: export
#include "detail/chan_core.hpp"
#include "fwd.hpp"
#include "nil.hpp"

namespace gossamer::inline v0 {

// Both ends. Each counts its own reference: an end may be assigned through a reference to it, and must not rely on the
// other one.
template <class T>
class chan : public recv_chan<T>, public send_chan<T> {
 public:
  using value_type = detail::element<T>;
  using recv_chan<T>::len;
  using recv_chan<T>::cap;
  using recv_chan<T>::operator bool;
  using recv_chan<T>::recv;
  using recv_chan<T>::begin;
  using recv_chan<T>::end;
  using send_chan<T>::send;
  using send_chan<T>::close;

  constexpr chan() noexcept = default;
  constexpr chan(std::nullptr_t) noexcept {}
  chan& operator=(std::nullptr_t) noexcept { return *this = chan(); }

 private:
  friend struct detail::access;
  // Takes over the caller's reference.
  explicit chan(detail::chan_core* c) noexcept : recv_chan<T>(c), send_chan<T>(c) { detail::chan_retain(c); }
  detail::chan_core* core() const noexcept { return recv_chan<T>::core(); }
};

namespace detail {

struct access {
  template <class End>
  static chan_core* core(const End& end) noexcept {
    return end.core();
  }
  template <class T>
  static chan<T> make(chan_core* c) noexcept {
    return chan<T>(c);
  }
  // Takes over the caller's reference.
  template <class T>
  static recv_chan<T> receiving(chan_core* c) noexcept {
    return recv_chan<T>(c);
  }
};

// T is complete where channels of it are made.
template <class T>
constexpr void check_value() noexcept {
  if constexpr (is_plain_value<T> && !std::is_void_v<T>) {
    static_assert(!std::is_abstract_v<T>, "a channel carries plain values: the type is abstract");
    static_assert(std::is_abstract_v<T> || std::is_move_constructible_v<T>,
                  "a channel hands values on by moving them: the type cannot be moved");
  }
}

template <class C>
inline constexpr bool is_channel = false;
template <class T>
inline constexpr bool is_channel<chan<T>> = true;
template <class T>
inline constexpr bool is_channel<recv_chan<T>> = true;
template <class T>
inline constexpr bool is_channel<send_chan<T>> = true;

}  // namespace detail

// A channel or one of its ends.
template <class C>
concept channel = detail::is_channel<C>;

// make(chan T, n). Panics with `makechan: size out of range` if n is negative or absurd; std::bad_alloc where there is
// no memory for the buffer.
template <class T>
[[nodiscard]] chan<T> make_chan() {
  detail::check_value<T>();
  return detail::access::make<T>(
      detail::chan_make(detail::element_type_of<detail::cell<detail::element<T>>>, 0, false));
}
template <class T, std::integral N>
[[nodiscard]] chan<T> make_chan(N n) {
  detail::check_value<T>();
  bool negative = false;
  if constexpr (std::is_signed_v<N>) {
    negative = n < 0;
  }
  return detail::access::make<T>(detail::chan_make(detail::element_type_of<detail::cell<detail::element<T>>>,
                                                   static_cast<std::uint64_t>(n), negative));
}

// close(ch), len(ch), cap(ch): the members, spelled as in Go.
template <class T>
void close(const send_chan<T>& ch) {
  ch.close();
}
template <class T>
void close(const chan<T>& ch) {
  ch.close();
}

template <channel C>
std::ptrdiff_t len(const C& ch) noexcept {
  return ch.len();
}
template <channel C>
std::ptrdiff_t cap(const C& ch) noexcept {
  return ch.cap();
}

// Equal if they refer to the same channel, or both to none.
template <channel A, channel B>
  requires std::same_as<typename A::value_type, typename B::value_type>
bool operator==(const A& a, const B& b) noexcept {
  return detail::access::core(a) == detail::access::core(b);
}
template <channel C>
bool operator==(const C& ch, std::nullptr_t) noexcept {
  return detail::access::core(ch) == nullptr;
}

namespace detail {

template <class C>
struct chan_hash {
  std::size_t operator()(const C& ch) const noexcept { return std::hash<const void*>{}(access::core(ch)); }
};

}  // namespace detail

}  // namespace gossamer::inline v0

template <class T>
struct std::hash<gossamer::chan<T>> : gossamer::detail::chan_hash<gossamer::chan<T>> {};
template <class T>
struct std::hash<gossamer::recv_chan<T>> : gossamer::detail::chan_hash<gossamer::recv_chan<T>> {};
template <class T>
struct std::hash<gossamer::send_chan<T>> : gossamer::detail::chan_hash<gossamer::send_chan<T>> {};

#include "chan/misuse.hpp"  // IWYU pragma: export
