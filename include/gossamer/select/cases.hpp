// select/cases: what a select()'s cases are made of: the end that is named, where a received value goes, the value that
// is sent, what is called then. A case says what it asks of its channel (prepare), and what follows if it is chosen
// (finish).
#pragma once

#include <concepts>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "../chan.hpp"
#include "../detail/first_parameter.hpp"
#include "../detail/invoke.hpp"
#include "../detail/select_core.hpp"

namespace gossamer::inline v0 {

namespace detail {

template <class C>
inline constexpr bool is_case = false;
template <class C>
inline constexpr bool is_default = false;

struct nothing {
  void operator()() const noexcept {}
};

// Where a received value goes. deliver(arrival&, ok) is called for the chosen case only.
template <class T>
struct to_nowhere {
  void deliver(arrival<T>&, bool) noexcept {}
};

// The address of a variable that a case may assign, as one that the optimiser does not know: g++ warns otherwise, on
// ways on which the case was not chosen, of a variable that is not initialised and used only where it was.
template <class T>
T* assigned_elsewhere(T& v) noexcept {
  T* at = detail::address_of(v);
  if constexpr (std::is_trivially_default_constructible_v<T>) {
    asm("" : "+r"(at));
  }
  return at;
}

template <class T>
struct to_variable {
  T* v;
  bool* present = nullptr;
  void deliver(arrival<T>& in, bool ok) {
    if (ok) {
      *v = in.take();
    } else if constexpr (std::default_initializable<T>) {
      *v = T();
    }
    if (present != nullptr) {
      *present = ok;
    }
  }
};

template <class T>
struct to_optional {
  std::optional<T>* v;
  void deliver(arrival<T>& in, bool ok) {
    v->reset();
    if (ok) {
      v->emplace(in.take());
    }
  }
};

template <class T>
struct to_flag {
  bool* present;
  void deliver(arrival<T>&, bool ok) noexcept { *present = ok; }
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Whether P, the parameter of a callable, is to have the value as an optional that is empty where there was none. A T
// that is an optional itself goes to a P of its own kind as it is.
template <class P, class T>
concept optional_for = is_optional<P> && !std::same_as<P, T> && std::convertible_to<T, typename P::value_type>;
template <class F, class T>
concept takes_optional = requires { typename first_parameter<F>::type; } &&
                         optional_for<std::remove_cvref_t<typename first_parameter<F>::type>, T> &&
                         std::invocable<F&, std::remove_cvref_t<typename first_parameter<F>::type>>;

template <class T, class F>
struct to_callable {
  F f;
  void deliver(arrival<T>& in, bool ok) {
    if constexpr (takes_optional<F, T>) {
      using optional = std::remove_cvref_t<typename first_parameter<F>::type>;
      f(ok ? optional(std::in_place, in.take()) : optional());
    } else if constexpr (std::is_same_v<T, unit> && std::invocable<F&, bool>) {
      f(ok);
    } else if constexpr (std::is_same_v<T, unit> && std::invocable<F&>) {
      f();
    } else if constexpr (std::invocable<F&, T, bool>) {
      f(ok ? T(in.take()) : T(), ok);
    } else if constexpr (std::invocable<F&, T>) {
      f(ok ? T(in.take()) : T());
    } else {
      f();
    }
  }
};

// Of a closed channel a callable that takes a T gets T().
template <class F, class T>
concept receives =
    takes_optional<F, T> || (std::is_same_v<T, unit> && std::invocable<F&, bool>) || std::invocable<F&> ||
    (std::default_initializable<T> && (std::invocable<F&, T> || std::invocable<F&, T, bool>));

// A case's channel: the handle that was named, or, where that is a temporary, one of the case's own. (Counting a
// reference costs more than looking whether the channel is ready.)
template <class End>
class named_end {
 public:
  explicit named_end(const End& end) noexcept : end_(&end) {}
  chan_core* core() const noexcept { return access::core(*end_); }
  const End& handle() const noexcept { return *end_; }

 private:
  const End* end_;
};
template <class End>
class own_end {
 public:
  explicit own_end(const End& end) noexcept : end_(end) {}
  chan_core* core() const noexcept { return access::core(end_); }
  const End& handle() const noexcept { return end_; }

 private:
  End end_;
};

template <class T>
std::type_identity<T> carried_by(const recv_chan<T>&);
template <class T>
std::type_identity<T> taken_by(const send_chan<T>&);

// Anything that is a receiving (a sending) end, and what it carries.
template <class C>
concept receiver = requires(const std::remove_cvref_t<C>& c) { detail::carried_by(c); };
template <class C>
concept sender = requires(const std::remove_cvref_t<C>& c) { detail::taken_by(c); };
template <receiver C>
using received_type = typename decltype(carried_by(std::declval<const std::remove_cvref_t<C>&>()))::type;
template <sender C>
using sent_type = typename decltype(taken_by(std::declval<const std::remove_cvref_t<C>&>()))::type;

template <class C, class End>
using end_of = std::conditional_t<std::is_lvalue_reference_v<C>, named_end<End>, own_end<End>>;

template <class T, class Target, class End>
class [[nodiscard("a case does nothing by itself: it is an argument of select()")]] recv_case {
 public:
  recv_case(End from, Target to, std::source_location where)
      : from_(std::move(from)), to_(std::move(to)), where_(where) {}

  select_op prepare(arrival<element<T>>& in) noexcept { return {from_.core(), false, false, in.room()}; }
  void finish(arrival<element<T>>& in, bool ok) {
    in.settle(ok);
    to_.deliver(in, ok);
  }
  using scratch = arrival<element<T>>;
  const std::source_location& where() const noexcept { return where_; }
  // The same case with a handle of its own.
  auto owning() && {
    using own = own_end<recv_chan<T>>;
    return recv_case<T, Target, own>(own(from_.handle()), std::move(to_), where_);
  }

 private:
  End from_;
  Target to_;
  std::source_location where_;
};

// The value stays where it is until it is sent.
template <class T>
struct referred {
  T* at;
};

// Held is the value, or a `referred`.
template <class T, class Held, class Then, class End>
class [[nodiscard("a case does nothing by itself: it is an argument of select()")]] send_case {
 public:
  send_case(End to, Held value, Then then, std::source_location where)
      : to_(std::move(to)), value_(std::move(value)), then_(std::move(then)), where_(where) {}

  struct scratch {};
  select_op prepare(scratch&) noexcept {
    using own = element<T>;
    if constexpr (std::is_same_v<Held, referred<own>>) {
      return {to_.core(), true, false, value_.at};
    } else {
      return {to_.core(), true, false, detail::address_of(value_)};
    }
  }
  void finish(scratch&, bool) { then_(); }
  const std::source_location& where() const noexcept { return where_; }
  auto owning() && {
    using own = own_end<send_chan<T>>;
    return send_case<T, Held, Then, own>(own(to_.handle()), std::move(value_), std::move(then_), where_);
  }

 private:
  End to_;
  Held value_;
  Then then_;
  std::source_location where_;
};

template <class Then>
struct [[nodiscard("a case does nothing by itself: it is an argument of select()")]] default_case {
  struct scratch {};
  default_case owning() && { return std::move(*this); }
  Then then;
};

// `otherwise`, and `otherwise(f)`.
struct otherwise_tag : default_case<nothing> {
  otherwise_tag owning() && { return *this; }
  template <std::invocable F>
  constexpr default_case<std::decay_t<F>> operator()(F&& f) const {
    return {std::forward<F>(f)};
  }
};

template <class T, class Target, class End>
inline constexpr bool is_case<recv_case<T, Target, End>> = true;
template <class T, class Held, class Then, class End>
inline constexpr bool is_case<send_case<T, Held, Then, End>> = true;
template <class Then>
inline constexpr bool is_default<default_case<Then>> = true;
template <>
inline constexpr bool is_default<otherwise_tag> = true;

template <class C>
concept one_case = is_case<std::remove_cvref_t<C>>;
template <class C>
concept one_default = is_default<std::remove_cvref_t<C>>;

template <receiver C>
using received_value = element<received_type<C>>;
template <sender C>
using sent_value = element<sent_type<C>>;

template <class C, class Target>
auto make_recv(C&& ch, Target to, const std::source_location& where) {
  using type = received_type<C>;
  using end = end_of<C, recv_chan<type>>;
  return recv_case<type, Target, end>(end(ch), std::move(to), where);
}

// std::ref(T), by what it can do: naming it takes <functional>.
template <class V, class T>
concept refers_to = !std::same_as<V, T> && requires(const V& v) {
  requires std::same_as<typename V::type, T>;
  { v.get() } noexcept -> std::same_as<T&>;
};
template <class V, class T>
concept sends = std::convertible_to<V, T> || refers_to<std::remove_cvref_t<V>, T>;

}  // namespace detail

}  // namespace gossamer::inline v0
