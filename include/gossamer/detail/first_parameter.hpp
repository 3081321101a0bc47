// first_parameter: what a function, or a callable with one call operator, is declared to take first.
#pragma once

#include <type_traits>
#include <utility>

namespace gossamer::inline v0::detail {

template <class R, class P, class... More>
std::type_identity<P> first_of(R (*)(P, More...));
template <class R, class P, class... More>
std::type_identity<P> first_of(R (*)(P, More...) noexcept);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...));
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) const);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) &);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) const&);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) noexcept);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) const noexcept);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) & noexcept);
template <class C, class R, class P, class... More>
std::type_identity<P> first_of(R (C::*)(P, More...) const& noexcept);

// Its `type`; none for a callable with several call operators or a generic one, which would have to be instantiated to
// know.
template <class F>
struct first_parameter {};
template <class F>
  requires requires(F f) { detail::first_of(f); }
struct first_parameter<F> {
  using type = typename decltype(detail::first_of(std::declval<F>()))::type;
};
template <class F>
  requires requires { detail::first_of(&F::operator()); }
struct first_parameter<F> {
  using type = typename decltype(detail::first_of(&F::operator()))::type;
};

}  // namespace gossamer::inline v0::detail
