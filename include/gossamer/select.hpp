// select: Go's select. Waits until one of several sends and receives can be done, and does it. Where several can, each
// is as likely as another.
//
//   switch (select(recv(a, v, ok), send(b, x), otherwise)) {
//     case 0: return ok ? "received" : "closed";
//     case 1: return "sent";
//     default: return "nothing was ready";
//   }
//
//   select(recv(a, [&](int got) { sum += got; }), send(b, x, [&] { ++sent; }), otherwise([&] { ++idle; }));
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
#include "detail/invoke.hpp"
#include "detail/owner.hpp"
#include "detail/select_core.hpp"
#include "select/cases.hpp"  // IWYU pragma: export

namespace gossamer::inline v0 {

// What select() did: the index of its case, and whether a value was received (for a send: true; false for `otherwise`
// and for a receive that found its channel closed). Converts to the index.
struct selected {
  int index = 0;
  bool ok = false;
  constexpr operator int() const noexcept { return index; }
};

namespace detail {

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
