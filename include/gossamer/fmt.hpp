// fmt: printing values, for ports of Go and for a quick look.
// Source: Go's package fmt: Print, Println, Sprint, Sprintln, Fprint, Fprintln, and what %v prints. Differs: no verbs;
// std::printf and iostreams have theirs.
//
//   fmt::println{"worker", id, results, err};       // worker 3 [1 4 9] <nil>
//   std::string s = fmt::sprint{"n = ", *ch};
//   fmt::fprintln{stderr, "no:", err};
//
// They are types, to be made with braces: C++ evaluates what stands in braces from left to right, as Go does. Between
// parentheses the order is open, g++ goes from right to left and nothing warns: println(*ch, *ch) swaps. (Of one
// argument `fmt::println(x);` would declare an x, and does not compile.)
//
// What is printed:
//   numbers, bool           1.5 1e+06 +Inf NaN; uint8_t, std::byte and enums too; (1+2i) of std::complex
//   char, strings           as they are. A null `const char*` is <nil>
//   error, error codes      the text; <nil> for nil. Exceptions by what()
//   durations               1.5s 1h2m3s 0s 1.5µs
//   time points             2024-02-29 13:14:15 +0100 CET of system_clock, m=+12.3 of all others
//   what has text()         contexts, addresses, signals, panics, types of one's own; a nil one is <nil>
//   what has an operator<<  by that
//   ranges                  [1 2 3]; map[a:1 b:2], with the keys of unordered maps and sets sorted
//   std::pair, std::tuple   {a b}; {} of unit
//   optional, variant       what is in it, or <nil>; so std::atomic and std::reference_wrapper
//   channels and pointers   the address, or <nil>; a pointer to what has text() or an operator<< prints that
// Anything else does not compile: it needs an operator<<, or text(). A channel is not received from.
//
// Each call is one write, so that lines of several fibers and threads do not mix; what print and println write is out
// when they return, and follows what was given to std::printf, std::puts and std::cout before (but not what stands in
// std::cout's own buffer after std::ios::sync_with_stdio(false)). For very many lines fprintln to an
// io::buffered_writer. From a fiber or a plain thread; a terminal or pipe that takes nothing more blocks the thread, as
// std::printf does.
//
// A write to stdout or stderr that nobody reads any more ends the process by SIGPIPE, as in Go, unless that is ignored,
// caught or notified of; a fiber's printf fails instead.
//
// The result has `n`, the bytes (0 with an error), and `err`: `if (error err = fmt::println{x}.err) …`. Throws
// std::bad_alloc, and what an operator<< throws; then nothing is written.
//
// gossamer.hpp does not include this: it brings <ostream>. Beside the library {fmt}, whose namespace is ::fmt too, do
// without `using namespace gossamer`, or write ::gossamer::fmt::println and ::fmt::print.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detail/config.hpp"
#include "error.hpp"
#include "fmt/value.hpp"
#include "io/stream.hpp"

namespace gossamer::inline v0::fmt {

namespace detail {

// What the braces of a call without arguments hold: with it there is no default constructor, by which
// `fmt::println(x);` would declare a variable.
class nothing {
  nothing() = default;
};

// One write, with everything before it and itself flushed.
GOSSAMER_API io::result write(std::FILE* to, std::string_view text);
GOSSAMER_API io::result write(std::ostream& to, std::string_view text);

// Go's Print: a space between two operands neither of which is a string (or a character).
template <class T>
inline constexpr bool is_text = text_like<T> || path_like<T> || character<T>;

template <class... Args>
std::string joined(const Args&... args) {
  std::string text;
  bool after_value = false;
  const auto one = [&]<class T>(const T& v) {
    if (after_value && !is_text<T>) {
      text += ' ';
    }
    after_value = !is_text<T>;
    append_value(text, v);
  };
  (one(args), ...);
  return text;
}

// Go's Println: a space between any two, and a line's end.
template <class... Args>
std::string line(const Args&... args) {
  std::string text;
  const char* between = "";
  ((text += std::exchange(between, " "), append_value(text, args)), ...);
  text += '\n';
  return text;
}

template <class To>
io::result write_to(To& to, const std::string& text) {
  if constexpr (std::convertible_to<To&, std::FILE*>) {
    return write(static_cast<std::FILE*>(to), text);
  } else if constexpr (std::derived_from<To, std::ostream>) {
    return write(static_cast<std::ostream&>(to), text);
  } else {
    return gossamer::detail::get_behind(to).write(std::as_bytes(std::span(text)));
  }
}

}  // namespace detail

// How many bytes were written, and what went wrong.
struct written {
  std::size_t n = 0;
  error err;

  explicit written(io::result r) noexcept : n(r.first), err(std::move(r.second)) {}
};

// Where fprint and fprintln write: a FILE*, a std::ostream, or what has write() as an io::writer has, or a pointer to
// that.
template <class To>
concept destination = std::convertible_to<To&, std::FILE*> || std::derived_from<To, std::ostream> ||
                      io::writable<gossamer::detail::behind_of<To>>;

// To stdout, with a space between any two and a line's end.
struct println : written {
  println(std::initializer_list<detail::nothing>) : written(detail::write(stdout, "\n")) {}
  template <class First, class... Rest>
  explicit println(const First& first, const Rest&... rest)
      : written(detail::write(stdout, detail::line(first, rest...))) {}
};

// To stdout, with a space between two operands neither of which is a string.
struct print : written {
  print(std::initializer_list<detail::nothing>) : written(io::result()) {}
  template <class First, class... Rest>
  explicit print(const First& first, const Rest&... rest)
      : written(detail::write(stdout, detail::joined(first, rest...))) {}
};

// As println, to `to`.
struct fprintln : written {
  template <class To, class... Args>
    requires destination<std::remove_reference_t<To>>
  explicit fprintln(To&& to, const Args&... args) : written(detail::write_to(to, detail::line(args...))) {}
};

// As print, to `to`.
struct fprint : written {
  template <class To, class... Args>
    requires destination<std::remove_reference_t<To>>
  explicit fprint(To&& to, const Args&... args) : written(detail::write_to(to, detail::joined(args...))) {}
};

// The text of println. It is a std::string.
struct sprintln : std::string {
  sprintln(std::initializer_list<detail::nothing>) : std::string("\n") {}
  template <class First, class... Rest>
  explicit sprintln(const First& first, const Rest&... rest) : std::string(detail::line(first, rest...)) {}
};

// The text of print. It is a std::string.
struct sprint : std::string {
  sprint(std::initializer_list<detail::nothing>) {}
  template <class First, class... Rest>
  explicit sprint(const First& first, const Rest&... rest) : std::string(detail::joined(first, rest...)) {}
};

}  // namespace gossamer::inline v0::fmt
