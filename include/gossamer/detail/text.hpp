// text: values as text, without streams or formats.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "chrono.hpp"
#include "config.hpp"
#include "deadline.hpp"
#include "misuse.hpp"

namespace gossamer::inline v0::detail {

GOSSAMER_API void append_signed(std::string& to, long long n);
GOSSAMER_API void append_unsigned(std::string& to, unsigned long long n);
// The shortest digits that give the number back.
GOSSAMER_API void append_float(std::string& to, double n);
// n in units of 10^digits, without the zeros at its end: 1.5
GOSSAMER_API void append_decimal(std::string& to, std::uint64_t n, int digits);
// 1h15m30.918s, 1.5ms, 0s
GOSSAMER_API void append_duration(std::string& to, std::chrono::nanoseconds d);

template <class T>
concept has_text = requires(const T& v) {
  { v.text() } -> std::convertible_to<std::string_view>;
};

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

// Strings, characters, numbers, bool, durations, and what has text(); of a nullable thing with text(), nil is `<nil>`.
template <class T>
concept printable =
    std::is_arithmetic_v<T> || is_duration<T> || std::convertible_to<const T&, std::string_view> || has_text<T>;

// The error of what is not.
template <class T>
constexpr void check_printable() noexcept {
  if constexpr (!printable<T>) {
    static_assert(type<T>::has_no_text,
                  "a part of an error's text is a string, a number, a bool, a duration, or what has a text()");
  }
}

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
  } else if constexpr (is_duration<T>) {
    append_duration(to, saturated_nanoseconds(v));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    to += std::string_view(v);
  } else if constexpr (requires { static_cast<bool>(v); }) {
    to += v ? v.text() : "<nil>";
  } else {
    to += v.text();
  }
}

}  // namespace gossamer::inline v0::detail
