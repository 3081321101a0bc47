// chan/send_chan: the sending end of a channel. See chan.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "../detail/chan_core.hpp"
#include "../detail/chrono.hpp"
#include "../detail/invoke.hpp"
#include "../detail/misuse.hpp"
#include "../detail/select_core.hpp"
#include "../fwd.hpp"
#include "../limit.hpp"
#include "value.hpp"

namespace gossamer::inline v0 {

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

}  // namespace gossamer::inline v0
