// select: Go's select. Waits until one of several sends and receives can be done, and does it. Where several can, each
// is as likely as another.
//
//   switch (select(recv(a, v, ok), send(b, x), otherwise)) {      select(recv(a, [&](int v) { … }),
//     case 0: …; break;                                                  send(b, x, [&] { … }),
//     case 1: …; break;                                                  otherwise([&] { … }));
//     default: …;
//   }
//
// Cases are values: they may be named, kept and used again, while the channel's handle that they name exists (a
// select_case has its own). A nil channel's case is never ready. With `otherwise` a
// select does not block: it is chosen if at one instant nothing was ready. A send that is chosen although its channel
// is closed panics with `send on closed channel`.
// C++ does not say in which order arguments are evaluated: side effects in several cases go into named cases first.
// From a fiber or a plain thread. Ordering: as of the send or receive that was done.
// Source: Go's select statement and reflect.Select.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <source_location>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "chan.hpp"
#include "detail/config.hpp"
#include "detail/first_parameter.hpp"
#include "detail/invoke.hpp"
#include "detail/owner.hpp"
#include "detail/select_core.hpp"

namespace gossamer::inline v0 {

// What select() did: the index of its case, and whether a value was received (for a send: true; false for `otherwise`
// and for a receive that found its channel closed). Converts to the index.
struct selected {
  int index = 0;
  bool ok = false;
  constexpr operator int() const noexcept { return index; }
};

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

template <class Default>
void call_default(Default& d) {
  d.then();
}

GOSSAMER_API selected select_cases(select_case* cases, std::size_t n, std::source_location where);

}  // namespace detail

// The case that is chosen if nothing is ready; otherwise(f) also calls f.
inline constexpr detail::otherwise_tag otherwise{};

// A receive from ch, as a case: the value goes to v, with `ok` saying whether there was one (v becomes T() if not,
// where there is such a value); to an optional; nowhere; or to f, which takes (T), (T, bool ok), (std::optional<T>) or
// nothing. chan<void> has recv(ch), recv(ch, ok) and recv(ch, f), where f takes (bool ok) or nothing.
template <detail::receiver C>
auto recv(C&& ch, std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch), detail::to_nowhere<detail::received_value<C>>{}, where);
}
template <detail::receiver C>
auto recv(C&& ch, decltype(std::ignore), std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch), detail::to_nowhere<detail::received_value<C>>{}, where);
}
template <detail::receiver C>
auto recv(C&& ch, detail::received_value<C>& v, std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch),
                              detail::to_variable<detail::received_value<C>>{detail::assigned_elsewhere(v)}, where);
}
template <detail::receiver C>
auto recv(C&& ch, detail::received_value<C>& v, bool& ok,
          std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(
      std::forward<C>(ch),
      detail::to_variable<detail::received_value<C>>{detail::assigned_elsewhere(v), detail::assigned_elsewhere(ok)},
      where);
}
template <detail::receiver C>
auto recv(C&& ch, decltype(std::ignore), bool& ok, std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch),
                              detail::to_flag<detail::received_value<C>>{detail::assigned_elsewhere(ok)}, where);
}
template <detail::receiver C>
auto recv(C&& ch, std::optional<detail::received_value<C>>& v,
          std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch), detail::to_optional<detail::received_value<C>>{&v}, where);
}
template <detail::receiver C>
  requires std::is_void_v<detail::received_type<C>>
auto recv(C&& ch, bool& ok, std::source_location where = std::source_location::current()) {
  return detail::make_recv<C>(std::forward<C>(ch), detail::to_flag<unit>{detail::assigned_elsewhere(ok)}, where);
}
template <detail::receiver C, class F>
  requires detail::receives<std::decay_t<F>, detail::received_value<C>> &&
           (!std::same_as<std::remove_cvref_t<F>, detail::received_value<C>>)
auto recv(C&& ch, F&& f, std::source_location where = std::source_location::current()) {
  using target = detail::to_callable<detail::received_value<C>, std::decay_t<F>>;
  return detail::make_recv<C>(std::forward<C>(ch), target{std::forward<F>(f)}, where);
}

// A send of v to ch, as a case: v is copied or moved into the case now, and out of it only if the case is chosen;
// std::ref(v) leaves it where it is until then. then() is called if the case is chosen.
template <detail::sender C, class V, std::invocable Then = detail::nothing>
  requires detail::sends<V, detail::sent_value<C>>
auto send(C&& ch, V&& v, Then then = {}, std::source_location where = std::source_location::current()) {
  using type = detail::sent_type<C>;
  using value = detail::element<type>;
  using end = detail::end_of<C, send_chan<type>>;
  if constexpr (detail::refers_to<std::remove_cvref_t<V>, value>) {
    static_assert(std::is_same_v<detail::cell<value>, value>, "std::ref needs a type that moves without throwing");
    return detail::send_case<type, detail::referred<value>, Then, end>(
        end(ch), detail::referred<value>{detail::address_of(v.get())}, std::move(then), where);
  } else {
    return detail::send_case<type, detail::cell<value>, Then, end>(
        end(ch), detail::cell<value>(static_cast<value>(std::forward<V>(v))), std::move(then), where);
  }
}
template <detail::sender C, std::invocable Then = detail::nothing>
  requires std::is_void_v<detail::sent_type<C>>
auto send(C&& ch, Then then = {}, std::source_location where = std::source_location::current()) {
  using end = detail::end_of<C, send_chan<void>>;
  return detail::send_case<void, unit, Then, end>(end(ch), unit(), std::move(then), where);
}

// A case of any kind, for selects whose number of cases is known at run time only. Made of any of the above; costs an
// allocation. Movable; what has been moved from is never ready.
class select_case {
 public:
  template <class C>
    requires(detail::one_case<C> || detail::one_default<C>)
  select_case(C c) : it_(hold(std::move(c).owning())) {}

 private:
  struct base {
    virtual ~base() = default;
    virtual bool is_default() const noexcept = 0;
    virtual detail::select_op prepare() = 0;
    virtual void finish(bool ok) = 0;
  };
  template <class C>
  struct holder final : base {
    explicit holder(C&& c) : it(std::move(c)) {}
    bool is_default() const noexcept override { return false; }
    detail::select_op prepare() override { return it.prepare(room.emplace()); }
    void finish(bool ok) override { it.finish(*room, ok); }
    C it;
    std::optional<typename C::scratch> room;
  };
  template <detail::one_default C>
  struct holder<C> final : base {
    explicit holder(C&& c) : it(std::move(c)) {}
    bool is_default() const noexcept override { return true; }
    detail::select_op prepare() override { return {}; }
    void finish(bool) override { detail::call_default(it); }
    C it;
  };

  template <class C>
  static detail::owner<base> hold(C&& c) {
    return detail::owner<base>(new holder<C>(std::move(c)));
  }

  friend selected detail::select_cases(select_case*, std::size_t, std::source_location);
  detail::owner<base> it_;
};

namespace detail {

// The cases that are not the default, in order, and where that is among them (at the end if there is none).
template <class... Cases>
inline constexpr std::size_t default_position = [] {
  constexpr bool is[] = {one_default<Cases>...};
  std::size_t i = 0;
  while (i < sizeof...(Cases) && !is[i]) {
    ++i;
  }
  return i;
}();

template <std::size_t... I, class... Cases>
selected select_static(std::index_sequence<I...>, Cases&... cases) {
  constexpr std::size_t position = default_position<Cases...>;
  constexpr bool has_default = position < sizeof...(Cases);
  constexpr std::size_t n = sizeof...(Cases) - (has_default ? 1 : 0);
  std::tuple<typename std::remove_cvref_t<Cases>::scratch...> rooms;
  std::array<select_op, n == 0 ? 1 : n> ops;
  std::source_location where;
  const auto prepare = [&]<std::size_t Index>(std::integral_constant<std::size_t, Index>, auto& c) {
    if constexpr (Index != position) {
      ops[Index - (Index > position ? 1 : 0)] = c.prepare(std::get<Index>(rooms));
      where = c.where();
    }
  };
  (prepare(std::integral_constant<std::size_t, I>(), cases), ...);
  // One channel: the look without its lock is of one instant.
  const bool in_vain = n == 0 || (n == 1 && has_default && !ops[0].may_succeed());
  const std::size_t found = in_vain ? n : chan_select({ops.data(), n, !has_default, where});
  const std::size_t index = found >= n ? position : found + (found >= position ? 1 : 0);
  const bool ok = found < n && ops[found].ok;
  // Without it g++ warns of variables that only a case can have set.
  if (index >= sizeof...(Cases)) {
    __builtin_unreachable();
  }
  const auto finish = [&]<std::size_t Index>(std::integral_constant<std::size_t, Index>, auto& c) {
    if (Index == index) {
      if constexpr (Index == position) {
        call_default(c);
      } else {
        c.finish(std::get<Index>(rooms), ok);
      }
    }
  };
  (finish(std::integral_constant<std::size_t, I>(), cases), ...);
  return {static_cast<int>(index), ok};
}

}  // namespace detail

// Does one of the cases, and says which: its index among the arguments. With `otherwise` it never blocks.
template <class... Cases>
  requires(sizeof...(Cases) > 0 && ((detail::one_case<Cases> || detail::one_default<Cases>) && ...))
selected select(Cases&&... cases) {
  static_assert((int{detail::one_default<Cases>} + ...) <= 1, "a select has one `otherwise` at most");
  return detail::select_static(std::index_sequence_for<Cases...>(), cases...);
}

// The same for the cases of a range, which stay usable. With several `otherwise` the first is meant.
template <class Cases>
  requires std::constructible_from<std::span<select_case>, Cases&>
selected select(Cases&& cases, std::source_location where = std::source_location::current()) {
  const std::span<select_case> all(cases);
  return detail::select_cases(all.data(), all.size(), where);
}

// select {}: blocks for ever.
[[noreturn]] inline void select(std::source_location where = std::source_location::current()) {
  detail::chan_select({nullptr, 0, true, where});
  __builtin_unreachable();
}

}  // namespace gossamer::inline v0

#include "select/misuse.hpp"  // IWYU pragma: export
