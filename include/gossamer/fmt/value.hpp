// fmt/value: a value as text, as Go's %v prints it. See gossamer/fmt.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "../chan.hpp"
#include "../detail/config.hpp"
#include "../detail/deadline.hpp"
#include "../detail/text.hpp"
#include "../error.hpp"
#include "../errors.hpp"

namespace gossamer::inline v0::fmt::detail {

// As %v: the shortest digits that give the number back; with an exponent below 1e-04 and from 1e+06 on.
GOSSAMER_API void append(std::string& to, double n);
GOSSAMER_API void append(std::string& to, float n);
// 0xc000012345; `<nil>` for null.
GOSSAMER_API void append_address(std::string& to, const void* p);
// 2024-02-29 13:14:15.5 +0100 CET, in the local time zone.
// 0 <= rest < 1 s.
GOSSAMER_API void append_wall(std::string& to, std::chrono::seconds since_epoch, std::chrono::nanoseconds rest);
// m=+12.3: what Go prints of a time's monotonic part.
GOSSAMER_API void append_monotonic(std::string& to, std::chrono::nanoseconds since_start);
// What put(stream, v) writes; bools as true and false.
GOSSAMER_API void append_streamed(std::string& to, void (*put)(std::ostream& to, const void* v), const void* v);

template <class T, template <class...> class Of>
inline constexpr bool is_a = false;
template <template <class...> class Of, class... Parts>
inline constexpr bool is_a<Of<Parts...>, Of> = true;

// char8_t and its like are numbers, as Go's rune is; char is a character.
template <class T>
concept character = std::same_as<T, char>;
template <class T>
concept text_like = std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>;
// std::filesystem::path.
template <class T>
concept path_like = !text_like<T> && requires(const T& v) {
  { v.native() } -> std::convertible_to<std::string_view>;
};
template <class T>
concept channel_like = gossamer::detail::is_channel<T>;
template <class T>
concept code_like = std::same_as<T, std::error_code> || errors::foreign_code<T>;
template <class T>
concept has_text = gossamer::detail::has_text<T>;
template <class T>
concept streamed = requires(std::ostream& to, const T& v) {
  { to << v } -> std::convertible_to<std::ostream&>;
};
template <class T>
concept atomic_like = requires(const T& v) {
  typename T::value_type;
  { v.load() } -> std::same_as<typename T::value_type>;
};
template <class T>
concept reference_like = requires(const T& v) {
  typename T::type;
  { v.get() } -> std::same_as<typename T::type&>;
};
// Smart pointers, and handles that know what they refer to (net::conn).
template <class T>
concept handle_like = requires(const T& v) {
  { v.get() };
  requires std::is_pointer_v<decltype(v.get())>;
  static_cast<bool>(v);
};
template <class T>
concept complex_like = requires(const T& v) {
  requires std::floating_point<typename T::value_type>;
  { v.real() } -> std::same_as<typename T::value_type>;
  { v.imag() } -> std::same_as<typename T::value_type>;
};
template <class T>
concept map_like = std::ranges::input_range<const T> && requires {
  typename T::key_type;
  typename T::mapped_type;
};
// Sets and maps without an order are printed in that of their keys.
template <class T>
concept unordered = std::ranges::input_range<const T> && requires(const T& v) {
  typename T::key_type;
  v.hash_function();
};
template <class T>
concept tuple_like = requires { std::tuple_size<T>::value; };
template <class T>
concept time_point_like = requires(const T& v) {
  typename T::clock;
  { v.time_since_epoch() } -> std::same_as<typename T::duration>;
};

template <class>
inline constexpr bool can_be_printed = false;

template <class T>
void append_value(std::string& to, const T& v);

// Source: Go's internal/fmtsort: NaN comes first.
template <class K>
bool key_before(const K& a, const K& b) {
  if constexpr (std::floating_point<K>) {
    return a < b || (a != a && b == b);
  } else if constexpr (requires {
                         { a < b } -> std::convertible_to<bool>;
                       }) {
    return a < b;
  } else {
    std::string text_a;
    std::string text_b;
    append_value(text_a, a);
    append_value(text_b, b);
    return text_a < text_b;
  }
}

template <class T, class Append>
void append_all(std::string& to, const T& range, Append append) {
  const char* between = "";
  const auto one = [&](const auto& v) {
    to += std::exchange(between, " ");
    append(v);
  };
  if constexpr (unordered<T>) {
    std::vector<const typename T::value_type*> sorted;
    for (const auto& v : range) {
      sorted.push_back(&v);
    }
    const auto key = [](const typename T::value_type* v) -> const typename T::key_type& {
      if constexpr (map_like<T>) {
        return v->first;
      } else {
        return *v;
      }
    };
    std::sort(sorted.begin(), sorted.end(), [&](auto* a, auto* b) { return key_before(key(a), key(b)); });
    for (const auto* v : sorted) {
      one(*v);
    }
  } else {
    for (auto&& v : range) {
      one(v);
    }
  }
}

template <class T>
void append_range(std::string& to, const T& range) {
  if constexpr (map_like<T>) {
    to += "map[";
    append_all(to, range, [&](const auto& entry) {
      append_value(to, entry.first);
      to += ':';
      append_value(to, entry.second);
    });
  } else {
    to += '[';
    append_all(to, range, [&](const auto& v) { append_value(to, v); });
  }
  to += ']';
}

template <class T>
void append_tuple(std::string& to, const T& tuple) {
  to += '{';
  const char* between = "";
  std::apply([&](const auto&... part) { ((to += std::exchange(between, " "), append_value(to, part)), ...); }, tuple);
  to += '}';
}

// What is pointed to where it says what it is, by text() or an operator<< of its own, as Go calls a pointer's String();
// its address otherwise.
template <class T>
void append_pointer(std::string& to, T* p) {
  if constexpr (std::is_function_v<T>) {
    append_address(to, reinterpret_cast<const void*>(p));
  } else if constexpr (std::is_class_v<T> && (has_text<T> || (streamed<T> && !std::ranges::range<const T>))) {
    if (p == nullptr) {
      to += "<nil>";
    } else {
      append_value(to, *p);
    }
  } else {
    append_address(to, const_cast<const void*>(static_cast<const volatile void*>(p)));
  }
}

template <class T>
void append_number(std::string& to, const T& v) {
  if constexpr (std::same_as<T, float>) {
    append(to, v);
  } else if constexpr (std::floating_point<T>) {
    append(to, static_cast<double>(v));
  } else if constexpr (complex_like<T>) {
    to += '(';
    append_number(to, v.real());
    const std::size_t sign = to.size();
    append_number(to, v.imag());
    if (to[sign] != '-' && to[sign] != '+') {
      to.insert(sign, 1, '+');
    }
    to += "i)";
  } else {
    gossamer::detail::append_text(to, v);
  }
}

template <class T>
void append_time(std::string& to, const T& tp) {
  if constexpr (std::same_as<typename T::clock, std::chrono::system_clock>) {
    // Towards zero first: std::chrono::floor overflows near the earliest time.
    const auto d = tp.time_since_epoch();
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(d);
    auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(d - seconds);
    if (rest.count() < 0) {
      rest += std::chrono::seconds(1);
      seconds -= std::chrono::seconds(1);
    }
    append_wall(to, seconds, rest);
  } else {
    append_monotonic(to, gossamer::detail::saturated_nanoseconds(tp.time_since_epoch()));
  }
}

// The value types of the standard library that hold others, or none.
template <class T>
void append_holder(std::string& to, const T& v) {
  if constexpr (is_a<T, std::optional>) {
    if (v) {
      append_value(to, *v);
    } else {
      to += "<nil>";
    }
  } else {
    if (v.valueless_by_exception()) {
      to += "<nil>";
    } else {
      std::visit([&](const auto& held) { append_value(to, held); }, v);
    }
  }
}

template <class T>
inline constexpr bool is_nothing =
    std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t> || std::same_as<T, std::monostate>;
template <class T>
inline constexpr bool is_holder = is_a<T, std::optional> || is_a<T, std::variant>;

// What a handle, a range or a user's type prints; none of what append_value() takes first.
template <class T>
void append_object(std::string& to, const T& v) {
  if constexpr (has_text<T>) {
    gossamer::detail::append_text(to, v);
  } else if constexpr (handle_like<T>) {
    append_pointer(to, v.get());
  } else if constexpr (atomic_like<T>) {
    append_value(to, v.load());
  } else if constexpr (reference_like<T>) {
    append_value(to, v.get());
  } else if constexpr (streamed<T>) {
    append_streamed(to, [](std::ostream& s, const void* p) { s << *static_cast<const T*>(p); }, std::addressof(v));
  } else if constexpr (std::derived_from<T, std::exception>) {
    to += v.what();
  } else if constexpr (std::is_enum_v<T>) {
    append_number(to, static_cast<std::underlying_type_t<T>>(v));
  } else if constexpr (std::ranges::input_range<const T>) {
    append_range(to, v);
  } else if constexpr (tuple_like<T>) {
    append_tuple(to, v);
  } else {
    static_assert(can_be_printed<T>, "what is printed needs an operator<< to std::ostream, or text()");
  }
}

template <class T>
void append_value(std::string& to, const T& v) {
  if constexpr (is_nothing<T>) {
    to += "<nil>";
  } else if constexpr (character<T>) {
    to += v;
  } else if constexpr (std::is_arithmetic_v<T> || complex_like<T> || gossamer::detail::is_duration<T>) {
    append_number(to, v);
  } else if constexpr (std::is_pointer_v<T> && text_like<T>) {
    to += v != nullptr ? std::string_view(v) : std::string_view("<nil>");
  } else if constexpr (text_like<T>) {
    to += std::string_view(v);
  } else if constexpr (path_like<T>) {
    to += v.native();
  } else if constexpr (std::same_as<T, unit>) {
    to += "{}";
  } else if constexpr (channel_like<T>) {
    append_address(to, gossamer::detail::access::core(v));
  } else if constexpr (time_point_like<T>) {
    append_time(to, v);
  } else if constexpr (code_like<T>) {
    append_value(to, error(v));
  } else if constexpr (std::same_as<T, std::exception_ptr>) {
    append_value(to, errors::from_exception(v));
  } else if constexpr (std::is_array_v<T>) {
    append_range(to, v);
  } else if constexpr (std::is_pointer_v<T>) {
    append_pointer(to, v);
  } else if constexpr (is_holder<T>) {
    append_holder(to, v);
  } else {
    append_object(to, v);
  }
}

}  // namespace gossamer::inline v0::fmt::detail
