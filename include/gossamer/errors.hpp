// errors: making errors, and looking into them.
// Source: Go's package errors, and fmt.Errorf. Differs: make() and wrap() concatenate their parts instead of
// formatting.
#pragma once

#include <concepts>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "detail/config.hpp"
#include "detail/misuse.hpp"
#include "detail/text.hpp"
#include "error.hpp"

namespace gossamer::inline v0::errors {

// An error that came from a std::error_code; as<errors::code>(err)->value() gives it back. timeout() is true for
// timed_out; is() compares codes.
class GOSSAMER_API code : public base {
 public:
  explicit code(std::error_code value) noexcept : value_(value) {}
  std::error_code value() const noexcept { return value_; }
  std::string text() const override;
  bool timeout() const override;
  bool is(const error& target) const override;

 private:
  std::error_code value_;
};

// An error that came from a code of another kind, such as a boost::system::error_code; it is a `code` as well.
template <class C>
class code_of final : public code {
 public:
  explicit code_of(const C& original) : code(static_cast<std::error_code>(original)), original_(original) {}
  const C& original() const noexcept { return original_; }

 private:
  C original_;
};

// An error that came from an exception. Its text is what a panic would print of it; timeout() and the chain are those
// of what it holds: the error of a panic(err), the code of a std::system_error, and a std::nested_exception's inner
// one.
class GOSSAMER_API caught final : public base {
 public:
  caught(std::exception_ptr e, std::string text, error inner) noexcept;
  // To be rethrown, or looked into.
  const std::exception_ptr& exception() const noexcept { return exception_; }
  std::string text() const override { return text_; }
  bool timeout() const override { return inner_.timeout(); }
  error unwrap() const override { return inner_; }

 private:
  std::exception_ptr exception_;
  std::string text_;
  error inner_;
};

// An error as an exception, for code that throws. Thrown and caught by whoever uses it, never by the library.
class GOSSAMER_API exception : public std::exception {
 public:
  // Panics if err is nil.
  explicit exception(error err);
  ~exception() override;
  const error& err() const noexcept { return err_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  error err_;
  std::string text_;
};

GOSSAMER_API error make_text(std::string text);
GOSSAMER_API error wrap_text(error inner, std::string text);
GOSSAMER_API error join_all(std::vector<error> all);

// A new error, different from every other: its text is the parts, one behind the other: strings, characters, numbers,
// bool, durations as time::text() gives them, and what has text().
// errors::make("port ", 99999, " is out of range")
template <detail::printable... Parts>
error make(const Parts&... parts) {
  std::string text;
  (detail::append_text(text, parts), ...);
  return make_text(std::move(text));
}

// `PARTS: TEXT OF inner`, an error that wraps inner. nil if inner is nil.
// errors::wrap(err, "job ", 7) reads `job 7: …`.
template <detail::printable... Parts>
error wrap(error inner, const Parts&... parts) {
  if (!inner) {
    return nullptr;
  }
  std::string text;
  (detail::append_text(text, parts), ...);
  return wrap_text(std::move(inner), std::move(text));
}

// Do not fit: a part is nothing that has a text.
template <class... Parts>
  requires(!detail::printable<Parts> || ...)
error make(const Parts&...) {
  (detail::check_printable<Parts>(), ...);
  return nullptr;
}
template <class... Parts>
  requires(!detail::printable<Parts> || ...)
error wrap(const error&, const Parts&...) {
  (detail::check_printable<Parts>(), ...);
  return nullptr;
}

// One error for all that are not nil, each a line of its text; nil if there is none.
template <std::convertible_to<error>... Errors>
error join(Errors&&... all) {
  std::vector<error> list;
  (list.push_back(error(std::forward<Errors>(all))), ...);
  return join_all(std::move(list));
}

// What err wraps; nil if it wraps nothing, or joins several.
GOSSAMER_API error unwrap(const error& err);

// What was asked for is not supported, here or at all: to be wrapped, and compared with is(). What the kernel says by
// ENOSYS, EOPNOTSUPP and ENOTSUP is this as well. Source: Go's errors.ErrUnsupported.
GOSSAMER_API extern const sentinel unsupported;  // unsupported operation

// Whether err, or an error that it wraps or joins (depth first), is `target` or says so itself (base::is). nil is nil.
GOSSAMER_API bool is(const error& err, const error& target);
// The same for a code that stands for a condition: is(err, std::errc::timed_out).
GOSSAMER_API bool is(const error& err, std::error_condition target);

// The code of err: of the first code in its chain, depth first; zero for nil. If there is none: std::errc::timed_out
// for a timeout, and otherwise a code of a category of its own, which equals no other's, with the message "error
// without a code".
GOSSAMER_API std::error_code to_code(const error& err);

// nil for null; the very error that an errors::exception carries; else an errors::caught.
//   try { … } catch (const std::exception&) { return errors::from_exception(std::current_exception()); }
GOSSAMER_API error from_exception(const std::exception_ptr& e);
// Null for nil; the very exception for an errors::caught; else an errors::exception that carries err.
GOSSAMER_API std::exception_ptr to_exception(const error& err);

// Calls visit(const base&) for err and all that it wraps and joins, depth first, until one call returns true.
template <class Visit>
bool walk(const error& err, Visit&& visit) {
  for (error e = err; e; e = e.get()->unwrap()) {
    if (visit(*e.get())) {
      return true;
    }
    for (const error& part : e.get()->unwrap_all()) {
      if (walk(part, visit)) {
        return true;
      }
    }
  }
  return false;
}

// The first E among err and what it wraps and joins, depth first, or the one that an error there gives out as its own
// (base::as); null if there is none. Lives as long as err. E is a type of error, or an interface that an error's type
// derives from beside errors::base, as Go's errors.As takes one:
//   struct retryable { virtual ~retryable() = default; virtual time::duration after() const = 0; };
//   struct busy : errors::base, retryable { … };
//   if (auto* r = errors::as<retryable>(err)) time::sleep(r->after());
template <class E>
  requires std::derived_from<E, base> || (std::is_polymorphic_v<E> && !std::is_final_v<E>)
const E* as(const error& err) {
  const E* found = nullptr;
  walk(err, [&](const base& b) {
    found = dynamic_cast<const E*>(&b);
    return (found = found != nullptr ? found : static_cast<const E*>(b.as(typeid(E)))) != nullptr;
  });
  return found;
}

// The same for codes of another kind: to_code<boost::system::error_code>(err). One that err was made from comes back as
// it was; any other is made from the std::error_code.
template <foreign_code C>
C to_code(const error& err) {
  const auto* own = as<code_of<C>>(err);
  return own != nullptr ? own->original() : C(to_code(err));
}

}  // namespace gossamer::inline v0::errors

namespace gossamer::inline v0 {

template <errors::foreign_code C>
error::error(const C& code) : error(code.value() != 0 ? error(errors::code_of<C>(code)) : error()) {}

}  // namespace gossamer::inline v0
