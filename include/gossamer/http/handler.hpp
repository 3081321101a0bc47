// http/handler: what answers requests.
// Source: Go's http.Handler and HandlerFunc.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/invoke.hpp"
#include "../detail/spawn.hpp"
#include "../io/interfaces.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

// Has serve_http(w, r).
template <class T>
concept serves = requires(T& t, response_writer& w, request& r) { t.serve_http(w, r); };
// Can be called with (w, r).
template <class F>
concept handler_function = std::invocable<F&, response_writer&, request&>;

// What a handler refers to.
class GOSSAMER_API handler_interface : public detail::counted {
 public:
  virtual void serve_http(response_writer& w, request& r) = 0;
};

namespace handler_detail {

template <class T>
class serving final : public handler_interface {
 public:
  template <class U>
  explicit serving(U&& own) : own_(std::forward<U>(own)) {}
  void serve_http(response_writer& w, request& r) override {
    if constexpr (serves<detail::behind_of<T>>) {
      detail::get_behind(own_).serve_http(w, r);
    } else {
      detail::invoke(own_, w, r);
    }
  }

 private:
  T own_;
};

template <class T>
concept fits = handler_function<T> || serves<detail::behind_of<T>>;

}  // namespace handler_detail

// Answers a request: any callable (response_writer&, request&), whatever has serve_http(w, r), or a pointer to such
// (which must live as long). A handle: copies are the same handler. Called by many fibers at the same time.
class GOSSAMER_API handler {
 public:
  constexpr handler() noexcept = default;
  constexpr handler(std::nullptr_t) noexcept {}
  explicit handler(handler_interface* h) noexcept : its_(h) {}
  template <class F>
    requires(!std::derived_from<std::remove_cvref_t<F>, handler> && handler_detail::fits<std::decay_t<F>> &&
             std::constructible_from<std::decay_t<F>, F>)
  handler(F&& f) {
    if (!detail::is_nil_function(f)) {
      its_ = detail::reference<handler_interface>(new handler_detail::serving<std::decay_t<F>>(std::forward<F>(f)));
    }
  }

  // Of nil it panics with Go's text.
  void serve_http(response_writer& w, request& r) const;
  void operator()(response_writer& w, request& r) const { serve_http(w, r); }

  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const handler& h, std::nullptr_t) noexcept { return !h; }
  handler_interface* get() const noexcept { return its_.get(); }

 private:
  detail::reference<handler_interface> its_;
};

}  // namespace gossamer::inline v0::http
