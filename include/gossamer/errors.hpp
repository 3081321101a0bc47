// errors: making errors, and looking into them.
// Source: Go's package errors, and fmt.Errorf. Differs: make() and wrap() concatenate their parts instead of
// formatting.
#pragma once

#include <concepts>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detail/config.hpp"
#include "detail/text.hpp"
#include "error.hpp"

namespace gossamer::inline v0::errors {

// An error that came from a std::error_code; as<errors::code>(err)->value() gives it back. timeout() is true for
// timed_out; is() compares codes.
class GOSSAMER_API code final : public base {
 public:
  explicit code(std::error_code value) noexcept : value_(value) {}
  std::error_code value() const noexcept { return value_; }
  std::string text() const override;
  bool timeout() const override;
  bool is(const error& target) const override;

 private:
  std::error_code value_;
};

GOSSAMER_API error make_text(std::string text);
GOSSAMER_API error wrap_text(error inner, std::string text);
GOSSAMER_API error join_all(std::vector<error> all);

// A new error, different from every other: its text is the parts, one behind the other.
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

// One error for all that are not nil, each a line of its text; nil if there is none.
template <std::convertible_to<error>... Errors>
error join(Errors&&... all) {
  std::vector<error> list;
  (list.push_back(error(std::forward<Errors>(all))), ...);
  return join_all(std::move(list));
}

// What err wraps; nil if it wraps nothing, or joins several.
GOSSAMER_API error unwrap(const error& err);

// Whether err, or an error that it wraps or joins (depth first), is `target` or says so itself (base::is). nil is nil.
GOSSAMER_API bool is(const error& err, const error& target);
// The same for a code that stands for a condition: is(err, std::errc::timed_out).
GOSSAMER_API bool is(const error& err, std::error_condition target);

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

// The first E among err and what it wraps and joins, depth first; null if there is none. Lives as long as err.
template <std::derived_from<base> E>
const E* as(const error& err) {
  const E* found = nullptr;
  walk(err, [&](const base& b) { return (found = dynamic_cast<const E*>(&b)) != nullptr; });
  return found;
}

}  // namespace gossamer::inline v0::errors
