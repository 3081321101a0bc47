// chan: Go's channels. chan<T> is both ends; recv_chan<T> (<-chan T) and send_chan<T> (chan<- T) are one each, and are
// bases of it. All are handles: copying one refers to the same channel, nil refers to none. The channel lives as long
// as a handle to it does.
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
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detail/chan_core.hpp"
#include "detail/chrono.hpp"
#include "detail/config.hpp"
#include "detail/invoke.hpp"
#include "detail/misuse.hpp"
#include "detail/select_core.hpp"
#include "detail/stop.hpp"
#include "fwd.hpp"
#include "limit.hpp"
#include "nil.hpp"

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

// recv_chan: a handle of a channel from which one may only receive.
template <class T>
class recv_chan {
 public:
  static_assert(detail::is_plain_value<T>,
                "a channel carries plain values: no references, arrays or functions, nothing const or volatile");
  using value_type = detail::element<T>;

  constexpr recv_chan() noexcept = default;
  constexpr recv_chan(std::nullptr_t) noexcept {}
  recv_chan(const recv_chan&) noexcept = default;
  recv_chan(recv_chan&&) noexcept = default;
  recv_chan& operator=(const recv_chan&) noexcept = default;
  recv_chan& operator=(recv_chan&&) noexcept = default;
  ~recv_chan() = default;
  // An end that is made of a whole chan shares it: half a chan would be left otherwise.
  recv_chan(chan<T>&& whole) noexcept : recv_chan(static_cast<const recv_chan&>(whole)) {}
  recv_chan& operator=(chan<T>&& whole) noexcept { return *this = static_cast<const recv_chan&>(whole); }
  recv_chan& operator=(std::nullptr_t) noexcept { return *this = recv_chan(); }

  // The next value; empty once the channel is closed and drained. For chan<void>: true, or false once closed.
  auto recv(std::source_location where = std::source_location::current()) const {
    detail::arrival<value_type> in;
    const bool ok = in.receive(core(), where);
    if constexpr (std::is_void_v<T>) {
      return ok;
    } else {
      return ok ? std::optional<value_type>(in.take()) : std::optional<value_type>();
    }
  }

  // v := <-ch: the next value, or T() once the channel is closed and drained.
  friend value_type operator*(detail::placed<recv_chan> from)
    requires std::default_initializable<value_type>
  {
    detail::arrival<value_type> in;
    return in.receive(from.end.core(), from.where) ? value_type(in.take()) : value_type();
  }

  // v, ok = <-ch: assigns the next value, or T() (where there is one) once the channel is closed and drained.
  friend received operator>>(detail::placed<recv_chan> from, value_type& v) {
    detail::arrival<value_type> in;
    const bool ok = in.receive(from.end.core(), from.where);
    if (ok) {
      v = in.take();
    } else if constexpr (std::default_initializable<value_type>) {
      v = value_type();
    }
    return received(ok);
  }

  // As >>, but waits no longer than the limit: a time, a stop, or both (see limit.hpp). v changes only if a value came
  // or the channel is closed. Without v the value is dropped. What can be had at once is had, however late it is.
  // Throws std::bad_alloc where there is no memory for a deadline's timer.
  channel_status recv_until(wait::limit limit, value_type& v,
                            std::source_location where = std::source_location::current()) const {
    return recv_limited(limit, detail::address_of(v), where);
  }
  channel_status recv_until(wait::limit limit, std::source_location where = std::source_location::current()) const {
    return recv_limited(limit, nullptr, where);
  }
  // The same for a duration alone.
  template <class Rep, class Period>
  channel_status recv_for(std::chrono::duration<Rep, Period> d, value_type& v,
                          std::source_location where = std::source_location::current()) const {
    return recv_until(d, v, where);
  }
  template <class Rep, class Period>
  channel_status recv_for(std::chrono::duration<Rep, Period> d,
                          std::source_location where = std::source_location::current()) const {
    return recv_until(d, where);
  }

  // How many values are buffered at this instant; 0 for nil.
  std::ptrdiff_t len() const noexcept { return static_cast<std::ptrdiff_t>(detail::chan_len(core())); }
  // How many fit; 0 for nil.
  std::ptrdiff_t cap() const noexcept { return static_cast<std::ptrdiff_t>(detail::chan_cap(core())); }

  explicit operator bool() const noexcept { return core() != nullptr; }

  // What ends a wait once the channel is closed; nil never does. The channel is to be kept alive, and not sent to.
  operator wait::stop() const noexcept
    requires std::is_void_v<T>
  {
    return wait::stop(core());
  }

  // for (T v : ch): receives until the channel is closed and drained.
  class iterator {
   public:
    using value_type = recv_chan::value_type;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator(const recv_chan* from, std::source_location where) : from_(from), where_(where) { ++*this; }
    value_type operator*() const { return std::move(*value_); }
    iterator& operator++() {
      value_.reset();
      detail::arrival<value_type> in;
      if (in.receive(from_->core(), where_)) {
        value_.emplace(in.take());
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.value_.has_value(); }

   private:
    const recv_chan* from_;
    std::source_location where_;
    mutable std::optional<value_type> value_;
  };
  iterator begin(std::source_location where = std::source_location::current()) const { return {this, where}; }
  std::default_sentinel_t end() const noexcept { return {}; }

  // What it cannot do.
  template <class... Args>
  void send(Args&&...) const {
    detail::check_sends<recv_chan>();
  }
  template <class... Args>
  void close(Args&&...) const {
    detail::check_sends<recv_chan>();
  }

 private:
  friend class chan<T>;
  friend struct detail::access;
  explicit recv_chan(detail::chan_core* c) noexcept : reference_(c) {}
  detail::chan_core* core() const noexcept { return reference_.core(); }

  channel_status recv_limited(const wait::limit& limit, value_type* v, const std::source_location& where) const {
    detail::arrival<value_type> in;
    detail::select_op op{core(), false, false, in.room()};
    if (!detail::chan_limited(op, limit, where)) {
      return channel_status::ended;
    }
    in.settle(op.ok);
    if (v != nullptr && op.ok) {
      *v = in.take();
    } else if constexpr (std::default_initializable<value_type>) {
      if (v != nullptr) {
        *v = value_type();
      }
    }
    return op.ok ? channel_status::done : channel_status::closed;
  }

  detail::chan_reference reference_;
};

// send_chan: a handle of a channel to which one may only send.
template <class T>
class send_chan {
 public:
  static_assert(detail::is_plain_value<T>,
                "a channel carries plain values: no references, arrays or functions, nothing const or volatile");
  using value_type = detail::element<T>;

  constexpr send_chan() noexcept = default;
  constexpr send_chan(std::nullptr_t) noexcept {}
  send_chan(const send_chan&) noexcept = default;
  send_chan(send_chan&&) noexcept = default;
  send_chan& operator=(const send_chan&) noexcept = default;
  send_chan& operator=(send_chan&&) noexcept = default;
  ~send_chan() = default;
  // An end that is made of a whole chan shares it: half a chan would be left otherwise.
  send_chan(chan<T>&& whole) noexcept : send_chan(static_cast<const send_chan&>(whole)) {}
  send_chan& operator=(chan<T>&& whole) noexcept { return *this = static_cast<const send_chan&>(whole); }
  send_chan& operator=(std::nullptr_t) noexcept { return *this = send_chan(); }

  // Sends v: blocks until a receiver takes it or a buffer slot is free. Panics with `send on closed channel`; v is
  // lost.
  void send(value_type v, std::source_location where = std::source_location::current()) const
    requires(!std::is_void_v<T>)
  {
    send_value(std::move(v), where);
  }
  void send(std::source_location where = std::source_location::current()) const
    requires std::is_void_v<T>
  {
    send_value(unit(), where);
  }

  // As send, but waits no longer than the limit: a time, a stop, or both (see limit.hpp). Then v is lost too. Throws
  // std::bad_alloc where there is no memory for a deadline's timer.
  channel_status send_until(wait::limit limit, value_type v,
                            std::source_location where = std::source_location::current()) const
    requires(!std::is_void_v<T>)
  {
    return send_limited(limit, std::move(v), where);
  }
  channel_status send_until(wait::limit limit, std::source_location where = std::source_location::current()) const
    requires std::is_void_v<T>
  {
    return send_limited(limit, unit(), where);
  }
  // The same for a duration alone.
  template <class Rep, class Period>
    requires(!std::is_void_v<T>)
  channel_status send_for(std::chrono::duration<Rep, Period> d, value_type v,
                          std::source_location where = std::source_location::current()) const {
    return send_until(d, std::move(v), where);
  }
  template <class Rep, class Period>
    requires std::is_void_v<T>
  channel_status send_for(std::chrono::duration<Rep, Period> d,
                          std::source_location where = std::source_location::current()) const {
    return send_until(d, where);
  }

  // ch <- v
  friend void operator<<(detail::placed<send_chan> to, value_type v) { to.end.send_value(std::move(v), to.where); }

  // No more values: receivers drain the buffer and then find the channel closed. Blocked receivers return; blocked
  // senders panic. Panics with `close of closed channel` or `close of nil channel`. Never blocks.
  void close() const { detail::chan_close(core()); }

  std::ptrdiff_t len() const noexcept { return static_cast<std::ptrdiff_t>(detail::chan_len(core())); }
  std::ptrdiff_t cap() const noexcept { return static_cast<std::ptrdiff_t>(detail::chan_cap(core())); }

  explicit operator bool() const noexcept { return core() != nullptr; }

  // What it cannot do.
  template <class V>
    requires(!std::convertible_to<V, value_type> && !std::same_as<std::remove_cvref_t<V>, std::source_location>)
  void send(V&&, std::source_location = {}) const {
    detail::check_carries<send_chan, V>();
  }
  template <class V = T>
    requires(!std::is_void_v<V>)
  void send() const {
    detail::check_value_given<T>();
  }
  template <class... Args>
  std::optional<value_type> recv(Args&&...) const {
    detail::check_receives<send_chan>();
    return {};
  }
  template <class... Args>
  detail::no_iterator<value_type> begin(Args&&...) const {
    detail::check_receives<send_chan>();
    return {};
  }
  template <class... Args>
  detail::no_iterator<value_type> end(Args&&...) const {
    return {};
  }

 private:
  friend class chan<T>;
  friend struct detail::access;
  explicit send_chan(detail::chan_core* c) noexcept : reference_(c) {}
  detail::chan_core* core() const noexcept { return reference_.core(); }

  channel_status send_limited(const wait::limit& limit, value_type&& v, const std::source_location& where) const {
    detail::cell<value_type> value(std::move(v));
    detail::select_op op{core(), true, false, detail::address_of(value)};
    return detail::chan_limited(op, limit, where) ? channel_status::done : channel_status::ended;
  }
  void send_value(value_type&& v, const std::source_location& where) const {
    using cell = detail::cell<value_type>;
    if constexpr (std::is_same_v<cell, value_type>) {
      detail::send_cell(core(), detail::address_of(v), where);
    } else {
      cell box(std::move(v));
      detail::send_cell(core(), detail::address_of(box), where);
    }
  }

  detail::chan_reference reference_;
};

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
