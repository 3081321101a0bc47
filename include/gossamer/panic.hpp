// panic: Go's panic as a C++ exception.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "detail/config.hpp"
#include "detail/counted.hpp"
#include "detail/invoke.hpp"
#include "detail/runtime_error.hpp"
#include "detail/text.hpp"
#include "detail/trace_reference.hpp"
#include "error.hpp"

namespace gossamer::inline v0 {

namespace runtime {

// The kind of error that a panic of the library itself has as its value, where Go's has a runtime.Error: `close of
// closed channel`, `send on closed channel`, `makechan: size out of range`, a nil handle that is used, panic(nil).
//
//   if (const error* err = p.value<error>(); err != nullptr && errors::as<runtime::error>(*err) != nullptr) …
//
class GOSSAMER_API error : public errors::base {
 public:
  explicit error(std::string text) noexcept : text_(std::move(text)) {}
  ~error() override;
  std::string text() const override { return text_; }

 private:
  std::string text_;
};

// That of panic(nil), of panic(error()) and of what else panics so. Source: Go's runtime.PanicNilError.
class GOSSAMER_API panic_nil_error final : public error {
 public:
  panic_nil_error() : error("runtime error: panic called with nil argument") {}
  ~panic_nil_error() override;
};

}  // namespace runtime

namespace detail {

// Whether two values of that type may be asked whether they are the same one: nothing of a user's is called.
template <class T>
concept told_apart = std::is_scalar_v<T> || std::same_as<T, std::string> || std::same_as<T, error> ||
                     std::same_as<T, std::exception_ptr>;

// What a panic carries. Shared by the copies of its panic_error, and by those that throw the same exception; constant
// but for what it is linked to.
struct GOSSAMER_API panic_payload : counted {
  panic_payload(std::string t, const std::type_info& of) noexcept : text(std::move(t)), type(&of) {}
  // A later panic with the same value.
  explicit panic_payload(reference<panic_payload> value_of);
  ~panic_payload() override;

  // The one that has the value.
  const panic_payload& source() const noexcept { return repeated ? *repeated : *this; }
  // Of two sources.
  virtual bool has_value_of(const panic_payload& other) const noexcept { return this == &other; }

  // The panic during which this one began, for the report: `panic: first [recovered]`. The first that is given counts:
  // false for any other. By the fiber that throws it, or that it unwinds.
  bool begin_during(std::exception_ptr first, bool was_recovered) noexcept;
  // Null if there is none.
  std::exception_ptr previous() const noexcept;
  bool previous_recovered() const noexcept { return previous() != nullptr && previous_recovered_; }

  std::string text;
  const std::type_info* type;
  reference<panic_payload> repeated;  // null, or a source
  trace_reference thrown_at;          // null where there was no memory for it
  // The id of the fiber whose goexit() gave way to it, and goes on when it is recovered there; 0: none.
  std::uint64_t displaced_exit_of = 0;

 private:
  enum class link : std::uint8_t { none, being_made, made };
  std::atomic<link> link_{link::none};
  // Constant once link_ says `made`.
  std::exception_ptr previous_;
  bool previous_recovered_ = false;
};

template <class T>
struct panic_value final : panic_payload {
  panic_value(std::string t, T v) : panic_payload(std::move(t), typeid(T)), value(std::move(v)) {}
  bool has_value_of(const panic_payload& other) const noexcept override {
    if constexpr (told_apart<T>) {
      return *other.type == typeid(T) && static_cast<const panic_value&>(other).value == value;
    } else {
      return this == &other;
    }
  }
  T value;
};

}  // namespace detail

// What panic() throws. Catching it is Go's recover(). One that leaves a fiber ends the process: `panic: TEXT`, the
// fiber, the frames that threw it and its spawn site, exit code 2. It carries those frames, and so have its copies: the
// report shows them however it has travelled: thrown on, kept in a std::exception_ptr, handed to another fiber.
class GOSSAMER_API panic_error : public std::exception {
 public:
  explicit panic_error(std::string text);
  explicit panic_error(detail::reference<detail::panic_payload> payload) noexcept : payload_(std::move(payload)) {}
  panic_error(const panic_error&) noexcept = default;
  panic_error& operator=(const panic_error&) noexcept = default;
  ~panic_error() override;

  const char* what() const noexcept override { return payload_->text.c_str(); }
  const std::string& text() const noexcept { return payload_->text; }

  // What was given to panic(), if it is a T; else null. Strings are std::string, errors of all kinds gossamer::error,
  // an exception that is no panic_error but was recovered is std::exception_ptr. Misuse of the library is an error of
  // the kind runtime::error where it is one in Go.
  template <class T>
  const T* value() const noexcept {
    const detail::panic_payload& source = payload_->source();
    return *source.type == typeid(T) ? detail::address_of(static_cast<const detail::panic_value<T>&>(source).value)
                                     : nullptr;
  }

  // For the runtime.
  detail::panic_payload& payload() const noexcept { return *payload_; }
  const detail::reference<detail::panic_payload>& shared_payload() const noexcept { return payload_; }

 private:
  detail::reference<detail::panic_payload> payload_;
};

// Its text(), as Go prints a recovered value; `<nil>` where nothing was recovered.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const panic_error& p);
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const std::optional<panic_error>& recovered);

namespace detail {

GOSSAMER_API std::string name_of(const std::type_info& type);
// Throws it; it begins during the exception that is being handled, if there is one.
[[noreturn]] GOSSAMER_API void throw_panic(reference<panic_payload> payload);
// As Go prints it: the shortest digits that give it back, `1.5`, and an exponent where it is below -4 or above 5.
GOSSAMER_API std::string print_form(double n);
GOSSAMER_API std::string print_form(float n);
GOSSAMER_API std::string print_form(const void* p);

}  // namespace detail

// Throws panic_error with `text`. From anywhere.
[[noreturn]] GOSSAMER_API void panic(std::string_view text);
// Go's text for it: `runtime error: panic called with nil argument`. The value is a runtime::panic_nil_error.
[[noreturn]] GOSSAMER_API void panic(std::nullptr_t);
// As panic(err) in Go: the text is the error's, the value the error. Of nil, as panic(nil).
[[noreturn]] GOSSAMER_API void panic(const error& err);
// As panic(r) in Go, where r has been recovered: a panic with the same value, and the frames that threw that one first.
// During the one that was recovered it is `panic: TEXT [recovered, repanicked]` in the report.
[[noreturn]] GOSSAMER_API void panic(const panic_error& recovered);

// Throws panic_error with any value; see panic_error::value(). The text is as Go prints it: numbers in digits (a
// character is a number), floating ones as `1.5` and `1e+06`, what has text() by it, enumerators as `TYPE(NUMBER)`,
// pointers as `(TYPE) ADDRESS`, anything else as `(TYPE)`.
template <class T>
  requires(!std::convertible_to<const T&, std::string_view> && !std::convertible_to<const T&, error> &&
           !std::derived_from<T, panic_error>)
[[noreturn]] void panic(const T& value) {
  std::string text;
  if constexpr (std::same_as<T, bool>) {
    text = value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    text = detail::print_form(static_cast<std::conditional_t<std::same_as<T, float>, float, double>>(value));
  } else if constexpr (std::is_integral_v<T>) {
    text = std::to_string(value);
  } else if constexpr (detail::has_text<T>) {
    text = value.text();
  } else if constexpr (std::is_enum_v<T>) {
    // The sum makes a number of an underlying char.
    text = detail::name_of(typeid(T)) + "(" + std::to_string(static_cast<std::underlying_type_t<T>>(value) + 0) + ")";
  } else if constexpr (std::is_convertible_v<T, const void*>) {
    text = "(" + detail::name_of(typeid(T)) + ") " + detail::print_form(static_cast<const void*>(value));
  } else {
    text = "(" + detail::name_of(typeid(T)) + ")";
  }
  detail::throw_panic(detail::reference<detail::panic_payload>(new detail::panic_value<T>(std::move(text), value)));
}

}  // namespace gossamer::inline v0
