// context: deadlines, cancellation and values that are handed down a tree of calls.
// Source: Go's package context. Differs: deadlines are points of the monotonic clock; a context converts to wait::stop,
// so that every blocking call of the library takes one; a child that nobody holds any more leaves its parent though
// nobody has cancelled it.
//
//   auto [ctx, cancel] = context::with_timeout(context::background(), 1s);
//   defer d1{cancel};
//   if (!mu.try_lock_until(ctx)) return ctx.err();
//
// Everything here may be called from a fiber or a plain thread, from several at once. A nil parent panics with `cannot
// create context from nil parent`, any other use of a nil context as Go's nil pointer does.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "context/interface.hpp"  // IWYU pragma: export
#include "detail/chrono.hpp"
#include "detail/config.hpp"
#include "detail/deadline.hpp"
#include "detail/invoke.hpp"
#include "detail/misuse.hpp"
#include "detail/spawn.hpp"
#include "detail/text.hpp"
#include "error.hpp"
#include "panic.hpp"
#include "time.hpp"

namespace gossamer::inline v0 {

namespace context {

// Never cancelled, no values, no deadline: what all others come from. todo() where it is not clear yet which one to
// use.
GOSSAMER_API const context& background() noexcept;
GOSSAMER_API const context& todo() noexcept;

// Cancels a context. A handle; may be called any number of times, from anywhere: the first cancellation counts. When it
// returns the context and all that come from it are cancelled. nil panics when it is called.
class GOSSAMER_API cancel_func {
 public:
  cancel_func() noexcept = default;
  cancel_func(std::nullptr_t) noexcept {}
  void operator()() const;
  explicit operator bool() const noexcept { return static_cast<bool>(of_); }

 private:
  friend struct detail::context_access;
  explicit cancel_func(context of) noexcept : of_(std::move(of)) {}
  context of_;
};
// The same with a cause; nil is `canceled`.
class GOSSAMER_API cancel_cause_func {
 public:
  cancel_cause_func() noexcept = default;
  cancel_cause_func(std::nullptr_t) noexcept {}
  void operator()(const error& cause) const;
  explicit operator bool() const noexcept { return static_cast<bool>(of_); }

 private:
  friend struct detail::context_access;
  explicit cancel_cause_func(context of) noexcept : of_(std::move(of)) {}
  context of_;
};

// A child of parent that is cancelled by its function or with its parent. It should be called when the work is done:
// the child leaves its parent then.
[[nodiscard]] GOSSAMER_API std::pair<context, cancel_func> with_cancel(const context& parent);
[[nodiscard]] GOSSAMER_API std::pair<context, cancel_cause_func> with_cancel_cause(const context& parent);

// Why it was cancelled: the cause that was given with the first cancellation of it or of what it comes from, otherwise
// its err(). nil while it is not.
GOSSAMER_API error cause(const context& ctx);

// The parent's values, and none of its deadline and cancellation.
[[nodiscard]] GOSSAMER_API context without_cancel(const context& parent);

}  // namespace context

namespace detail {

struct cancel_node;  // lib/context/node.hpp

GOSSAMER_API std::pair<context::context, context::cancel_func> context_with_deadline(const context::context& parent,
                                                                                     time::time_point when,
                                                                                     error cause);
[[noreturn]] GOSSAMER_API void nil_context_parent();

// A child, or a call to come, in the list of the context that will cancel it. Guarded by that one's lock, but for `up`,
// which is null once nobody but the owner touches the link any more.
struct context_link {
  context_link* next = nullptr;
  context_link* previous = nullptr;
  std::atomic<cancel_node*> up{nullptr};
  const bool is_call;  // an after_call; otherwise a cancel_node
};

// What after_func() waits with. Two hold it: the list that it is in (then the fiber that calls it), and the stop_func.
struct GOSSAMER_API after_call : context_link {
  after_call() noexcept : context_link{.is_call = true} {}
  after_call(const after_call&) = delete;
  after_call& operator=(const after_call&) = delete;
  virtual ~after_call();
  virtual void call() = 0;
  virtual void forget() noexcept = 0;  // destroys the function, once

  std::atomic<std::uint32_t> holders{2};
  std::atomic<bool> decided{false};  // it is called, or stopped
};

template <class F>
struct typed_after_call final : after_call {
  explicit typed_after_call(F&& g) : f(std::move(g)) {}
  explicit typed_after_call(const F& g) : f(g) {}
  void call() override { detail::invoke(std::move(*f)); }
  void forget() noexcept override { f.reset(); }
  std::optional<F> f;
};

// A key and its value, in front of its parent.
class GOSSAMER_API value_node : public context::interface {
 public:
  // What it holds for that key; nothing if its own is another.
  context::any_value look(const context::any_key& key) const {
    return context_access::key(key_type_, key_) == key ? context_access::value(value_type_, value_)
                                                       : context::any_value();
  }
  virtual void append_pair(std::string& to) const = 0;  // `KEY, VALUE`

 protected:
  value_node(context::context parent, const key_type* key, const std::type_info* type) noexcept;
  ~value_node() override;

  const key_type* key_type_;
  const void* key_ = nullptr;
  const std::type_info* value_type_;
  const void* value_ = nullptr;
};

// Source: Go's stringify: what has text() by it, strings as they are, nil, otherwise the type.
template <class T>
void append_short(std::string& to, const T& v) {
  if constexpr (std::same_as<T, std::nullptr_t>) {
    to += "<nil>";
  } else if constexpr (has_text<T> || std::same_as<T, std::string>) {
    append_text(to, v);
  } else {
    to += name_of(typeid(T));
  }
}

template <class K, class V>
class typed_value_node final : public value_node {
 public:
  template <class K2, class V2>
  typed_value_node(context::context parent, K2&& key, V2&& value)
      : value_node(std::move(parent), &key_type_of<K>, &typeid(V)),
        key_object_(std::forward<K2>(key)),
        value_object_(std::forward<V2>(value)) {
    key_ = detail::address_of(key_object_);
    value_ = detail::address_of(value_object_);
  }

 private:
  void append_pair(std::string& to) const override {
    append_short(to, key_object_);
    to += ", ";
    append_short(to, value_object_);
  }
  K key_object_;
  V value_object_;
};
}  // namespace detail

namespace context {

// As with_cancel(); and at time tp (after d), or at the parent's deadline if that is earlier, the child is cancelled
// with deadline_exceeded; `cause` is then its cause. At once if the time has come already.
template <class Clock, class Duration>
[[nodiscard]] std::pair<context, cancel_func> with_deadline_cause(const context& parent,
                                                                  std::chrono::time_point<Clock, Duration> tp,
                                                                  error cause) {
  return detail::context_with_deadline(parent, time::time_point(time::duration(detail::to_deadline(tp))),
                                       std::move(cause));
}
template <class Clock, class Duration>
[[nodiscard]] std::pair<context, cancel_func> with_deadline(const context& parent,
                                                            std::chrono::time_point<Clock, Duration> tp) {
  return with_deadline_cause(parent, tp, nullptr);
}
template <class Rep, class Period>
[[nodiscard]] std::pair<context, cancel_func> with_timeout_cause(const context& parent,
                                                                 std::chrono::duration<Rep, Period> d, error cause) {
  const detail::deadline when = detail::after(detail::time_now(), detail::saturated_nanoseconds(d));
  return detail::context_with_deadline(parent, time::time_point(time::duration(when)), std::move(cause));
}
template <class Rep, class Period>
[[nodiscard]] std::pair<context, cancel_func> with_timeout(const context& parent,
                                                           std::chrono::duration<Rep, Period> d) {
  return with_timeout_cause(parent, d, nullptr);
}

// parent with a value for key; see context::value(). Types of one's own are the best keys: no two packages have the
// same. Panics with `nil key`.
template <class K, class V>
  requires(std::equality_comparable<std::decay_t<K>> || std::same_as<std::decay_t<K>, std::nullptr_t>)
[[nodiscard]] context with_value(const context& parent, K&& key, V&& value) {
  using key_type = detail::kept<std::remove_cvref_t<K>>;
  if (!parent) {
    detail::nil_context_parent();
  }
  if constexpr (std::same_as<key_type, std::nullptr_t>) {
    panic("nil key");
  } else {
    if constexpr (std::is_pointer_v<std::remove_cvref_t<K>>) {
      if (key == nullptr) {
        panic("nil key");
      }
    }
    using node = detail::typed_value_node<key_type, detail::kept<std::remove_cvref_t<V>>>;
    return make<node>(parent, std::forward<K>(key), std::forward<V>(value));
  }
}

class stop_func;
// For after_func(). Takes over the call.
GOSSAMER_API stop_func after_cancel(const context& ctx, detail::after_call* call);

// What after_func() returns: stops its call. True if the call is thereby prevented; false if it has begun, in a fiber
// of its own which may still be at work, or was stopped before. A handle.
class GOSSAMER_API stop_func {
 public:
  stop_func() noexcept = default;
  stop_func(std::nullptr_t) noexcept {}
  stop_func(const stop_func& other) noexcept;
  stop_func(stop_func&& other) noexcept
      : of_(std::move(other.of_)), call_(std::exchange(other.call_, nullptr)), foreign_(other.foreign_) {}
  stop_func& operator=(stop_func other) noexcept {
    std::swap(of_, other.of_);
    std::swap(call_, other.call_);
    std::swap(foreign_, other.foreign_);
    return *this;
  }
  ~stop_func();
  bool operator()() const;
  explicit operator bool() const noexcept { return call_ != nullptr; }

 private:
  friend stop_func after_cancel(const context& ctx, detail::after_call* call);
  context of_;  // whose list the call was put into
  detail::after_call* call_ = nullptr;
  bool foreign_ = false;  // of_ was made for it
};

// Calls f() in a fiber of its own once ctx is cancelled; at once if it is already. f is copied (or moved) now, and
// destroyed when it has been called or stopped, or nobody is left who could cancel ctx. Calls do not wait for each
// other. An empty std::function or a null pointer is fatal: `go of nil func value`. So is that there is no memory for
// the fiber.
template <class F>
  requires std::invocable<std::decay_t<F>>
stop_func after_func(const context& ctx, F&& f) {
  if (detail::is_nil_function(f)) {
    detail::fatal_nil_function();
  }
  return after_cancel(ctx, new detail::typed_after_call<std::decay_t<F>>(std::forward<F>(f)));
}

// Do not fit.
template <class F>
  requires(!std::invocable<std::decay_t<F>>)
void after_func(const context&, F&&) {
  detail::check_called<F>();
}
template <class N>
  requires std::is_arithmetic_v<N>
std::pair<context, cancel_func> with_timeout(const context&, N) {
  detail::check_duration<N>();
  return {};
}

}  // namespace context

}  // namespace gossamer::inline v0
