// http/round_tripper: what sends a request and gets its answer.
// Source: Go's http.RoundTripper.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/invoke.hpp"
#include "../detail/spawn.hpp"
#include "../error.hpp"
#include "request.hpp"
#include "response.hpp"

namespace gossamer::inline v0::http {

using round_trip_result = std::pair<response, gossamer::error>;

// Has round_trip(r).
template <class T>
concept makes_round_trips = requires(T& t, const request& r) {
  { t.round_trip(r) } -> std::convertible_to<round_trip_result>;
};
// Can be called with (r).
template <class F>
concept round_trip_function = std::is_invocable_r_v<round_trip_result, F&, const request&>;

// What a round_tripper refers to.
class GOSSAMER_API round_tripper_interface : public detail::counted {
 public:
  virtual round_trip_result round_trip(const request& r) = 0;
  virtual void close_idle_connections() {}
};

namespace round_tripper_detail {

template <class T>
class tripping final : public round_tripper_interface {
 public:
  template <class U>
  explicit tripping(U&& own) : own_(std::forward<U>(own)) {}
  round_trip_result round_trip(const request& r) override {
    if constexpr (makes_round_trips<detail::behind_of<T>>) {
      return detail::get_behind(own_).round_trip(r);
    } else {
      return detail::invoke(own_, r);
    }
  }
  void close_idle_connections() override {
    if constexpr (requires { detail::get_behind(own_).close_idle_connections(); }) {
      detail::get_behind(own_).close_idle_connections();
    }
  }

 private:
  T own_;
};

template <class T>
concept fits = round_trip_function<T> || makes_round_trips<detail::behind_of<T>>;

}  // namespace round_tripper_detail

// Makes one exchange: sends a request, and returns its answer, whatever its status is, with the body still to be read.
// It follows no redirects and keeps no cookies. Any callable (const request&), whatever has round_trip(r), or a pointer
// to such, a std::shared_ptr among them. A handle: copies are the same. Called by many fibers at the same time. It
// closes the request's body, also where there is an error; a read from that may still go on when it has returned.
class GOSSAMER_API round_tripper {
 public:
  constexpr round_tripper() noexcept = default;
  constexpr round_tripper(std::nullptr_t) noexcept {}
  explicit round_tripper(round_tripper_interface* t) noexcept : its_(t) {}
  template <class F>
    requires(!std::derived_from<std::remove_cvref_t<F>, round_tripper> && round_tripper_detail::fits<std::decay_t<F>> &&
             std::constructible_from<std::decay_t<F>, F>)
  round_tripper(F&& f) {
    if (!detail::is_nil_function(f)) {
      its_ = detail::reference<round_tripper_interface>(
          new round_tripper_detail::tripping<std::decay_t<F>>(std::forward<F>(f)));
    }
  }

  // Of nil it panics with Go's text.
  round_trip_result round_trip(const request& r) const;
  // Those that it keeps for later, if it does.
  void close_idle_connections() const;

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const round_tripper& t, std::nullptr_t) noexcept { return !t; }
  round_tripper_interface* get() const noexcept { return its_.get(); }

 private:
  detail::reference<round_tripper_interface> its_;
};

}  // namespace gossamer::inline v0::http
