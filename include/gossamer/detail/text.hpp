// text: values as text, without streams or formats.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "config.hpp"

namespace gossamer::inline v0::detail {

GOSSAMER_API void append_signed(std::string& to, long long n);
GOSSAMER_API void append_unsigned(std::string& to, unsigned long long n);
// The shortest digits that give the number back.
GOSSAMER_API void append_float(std::string& to, double n);

template <class T>
concept has_text = requires(const T& v) {
  { v.text() } -> std::convertible_to<std::string_view>;
};

// Strings, characters, numbers, bool, and what has text(); of a nullable thing with text(), nil is `<nil>`.
template <class T>
concept printable = std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string_view> || has_text<T>;

template <printable T>
void append_text(std::string& to, const T& v) {
  if constexpr (std::same_as<T, bool>) {
    to += v ? "true" : "false";
  } else if constexpr (std::same_as<T, char>) {
    to += v;
  } else if constexpr (std::is_floating_point_v<T>) {
    append_float(to, static_cast<double>(v));
  } else if constexpr (std::signed_integral<T>) {
    append_signed(to, v);
  } else if constexpr (std::is_integral_v<T>) {
    append_unsigned(to, v);
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    to += std::string_view(v);
  } else if constexpr (requires { static_cast<bool>(v); }) {
    to += v ? v.text() : "<nil>";
  } else {
    to += v.text();
  }
}

}  // namespace gossamer::inline v0::detail
