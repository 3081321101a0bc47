// bytes: what is read into and written from: any contiguous range of bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

namespace gossamer::inline v0::detail {

template <class T>
concept byte_like = std::same_as<T, char> || std::same_as<T, signed char> || std::same_as<T, unsigned char> ||
                    std::same_as<T, char8_t> || std::same_as<T, std::byte>;

template <class R>
using element_of = typename decltype(std::span(std::declval<std::remove_reference_t<R>&>()))::element_type;

// Can be read into: vectors, arrays, strings, spans of bytes that are not const.
template <class R>
concept writable_bytes = requires { typename element_of<R>; } && byte_like<element_of<R>>;

template <class R>
concept readable_bytes = requires { typename element_of<R>; } && byte_like<std::remove_const_t<element_of<R>>>;

// Text ends where a string_view of it does; but an array that is not const is a buffer, which is written whole.
template <class R>
concept is_text = std::convertible_to<R, std::string_view> &&
                  !(std::is_array_v<std::remove_reference_t<R>> && !std::is_const_v<element_of<R>>);

}  // namespace gossamer::inline v0::detail
