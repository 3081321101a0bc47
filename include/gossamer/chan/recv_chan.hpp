// chan/recv_chan: the receiving end of a channel. See chan.hpp.
#pragma once

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
#include "../detail/stop.hpp"
#include "../fwd.hpp"
#include "../limit.hpp"
#include "value.hpp"

namespace gossamer::inline v0 {

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

}  // namespace gossamer::inline v0
