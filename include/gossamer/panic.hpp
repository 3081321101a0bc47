// panic: Go's panic as a C++ exception.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "detail/config.hpp"
#include "detail/text.hpp"
#include "error.hpp"

namespace gossamer::inline v0 {

namespace detail {

// What a panic carries. Shared by the copies of its panic_error, and constant but for `previous`.
struct GOSSAMER_API panic_payload {
  panic_payload(std::string t, const std::type_info& of) noexcept : text(std::move(t)), type(&of) {}
  panic_payload(const panic_payload&) = delete;
  panic_payload& operator=(const panic_payload&) = delete;
  virtual ~panic_payload();

  std::string text;
  const std::type_info* type;
  // The panic during which this one began, for the report: `panic: first [recovered]`. Written before it is thrown, or
  // by the fiber that it unwinds.
  std::exception_ptr previous;
  bool previous_recovered = false;
};

template <class T>
struct panic_value final : panic_payload {
  panic_value(std::string t, T v) : panic_payload(std::move(t), typeid(T)), value(std::move(v)) {}
  T value;
};

}  // namespace detail

// What panic() throws. Catching it is Go's recover(). One that leaves a fiber ends the process: `panic: TEXT`, the
// fiber, where it was thrown and spawned, exit code 2.
class GOSSAMER_API panic_error : public std::exception {
 public:
  explicit panic_error(std::string text);
  explicit panic_error(std::shared_ptr<detail::panic_payload> payload) noexcept : payload_(std::move(payload)) {}
  panic_error(const panic_error&) noexcept = default;
  panic_error& operator=(const panic_error&) noexcept = default;
  ~panic_error() override;

  const char* what() const noexcept override { return payload_->text.c_str(); }
  const std::string& text() const noexcept { return payload_->text; }

  // What was given to panic(), if it is a T; else null. Strings are std::string, errors of all kinds gossamer::error,
  // an exception that is no panic_error but was recovered is std::exception_ptr.
  template <class T>
  const T* value() const noexcept {
    return *payload_->type == typeid(T) ? std::addressof(static_cast<const detail::panic_value<T>&>(*payload_).value)
                                        : nullptr;
  }

  // For the runtime.
  detail::panic_payload& payload() const noexcept { return *payload_; }

 private:
  std::shared_ptr<detail::panic_payload> payload_;
};

// Its text(), as Go prints a recovered value; `<nil>` where nothing was recovered.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const panic_error& p);
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const std::optional<panic_error>& recovered);

namespace detail {

GOSSAMER_API std::string name_of(const std::type_info& type);
// Throws it; the exception that is being handled, if there is one, becomes its `previous`.
[[noreturn]] GOSSAMER_API void throw_panic(std::shared_ptr<panic_payload> payload);
// As Go's print(float64): `+1.500000e+000`.
GOSSAMER_API std::string print_form(double n);

}  // namespace detail

// Throws panic_error with `text`. From anywhere.
[[noreturn]] GOSSAMER_API void panic(std::string_view text);
// Go's text for it: `panic called with nil argument`.
[[noreturn]] GOSSAMER_API void panic(std::nullptr_t);
// As panic(err) in Go: the text is the error's, the value the error. Of nil, as panic(nil).
[[noreturn]] GOSSAMER_API void panic(const error& err);

// Throws panic_error with any value; see panic_error::value(). The text is as Go prints it: numbers in digits (a
// character is a number), floating ones as `+1.500000e+000`, what has text() by it, anything else as `(TYPE)`.
template <class T>
  requires(!std::convertible_to<const T&, std::string_view> && !std::convertible_to<const T&, error>)
[[noreturn]] void panic(const T& value) {
  std::string text;
  if constexpr (std::same_as<T, bool>) {
    text = value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    text = detail::print_form(static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T>) {
    text = std::to_string(value);
  } else if constexpr (detail::has_text<T>) {
    text = value.text();
  } else {
    text = "(" + detail::name_of(typeid(T)) + ")";
  }
  detail::throw_panic(std::make_shared<detail::panic_value<T>>(std::move(text), value));
}

}  // namespace gossamer::inline v0
