// panic: see gossamer/panic.hpp, exit.hpp and panic_chain.hpp.
#include "gossamer/panic.hpp"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"

namespace gossamer::inline v0 {

namespace detail {

panic_payload::~panic_payload() = default;

std::string name_of(const std::type_info& type) { return base::demangled(type.name()); }

std::string print_form(double n) {
  char text[64];
  std::snprintf(text, sizeof text, "%+.6e", n);
  std::string form = text;
  const std::size_t e = form.find('e');
  if (e == std::string::npos) {
    return n > 0 ? "+Inf" : n < 0 ? "-Inf" : "NaN";
  }
  if (form.size() - e == 4) {
    form.insert(e + 2, "0");  // Go: three digits
  }
  return form;
}

void throw_panic(std::shared_ptr<panic_payload> payload) {
  payload->previous = std::current_exception();
  payload->previous_recovered = payload->previous != nullptr;
  throw panic_error(std::move(payload));
}

}  // namespace detail

panic_error::panic_error(std::string text) : payload_(std::make_shared<detail::panic_value<std::string>>(text, text)) {}

panic_error::~panic_error() = default;

std::ostream& operator<<(std::ostream& to, const panic_error& p) { return to << p.text(); }
std::ostream& operator<<(std::ostream& to, const std::optional<panic_error>& recovered) {
  return to << (recovered ? recovered->text() : "<nil>");
}

void panic(std::string_view text) {
  detail::throw_panic(std::make_shared<detail::panic_value<std::string>>(std::string(text), std::string(text)));
}

void panic(std::nullptr_t) {
  detail::throw_panic(std::make_shared<detail::panic_value<std::nullptr_t>>("panic called with nil argument", nullptr));
}

void panic(const error& err) {
  if (!err) {
    panic(nullptr);
  }
  detail::throw_panic(std::make_shared<detail::panic_value<error>>(err.text(), err));
}

namespace base {

fiber_exit::~fiber_exit() {
  if (!arrived_) {
    fatal("runtime.goexit was stopped by a `catch (...)` that did not rethrow");
  }
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 && text ? text.get() : name;
}

namespace {

// As Go: further lines of a panic's text are indented.
std::string indented(std::string_view text) {
  std::string all;
  for (const char c : text) {
    all += c;
    if (c == '\n') {
      all += '\t';
    }
  }
  return all;
}

struct link {
  std::string text;
  std::exception_ptr previous;
  bool previous_recovered = false;
};

link look_at(const std::exception_ptr& e) {
  if (e == nullptr) {
    return {"(an exception of another language)", nullptr};
  }
  try {
    std::rethrow_exception(e);
  } catch (const panic_error& p) {
    return {p.what(), p.payload().previous, p.payload().previous_recovered};
  } catch (const std::exception& x) {
    const auto* nested = dynamic_cast<const std::nested_exception*>(&x);
    const std::exception_ptr inner = nested != nullptr ? nested->nested_ptr() : nullptr;
    return {x.what(), inner, inner != nullptr};
  } catch (const std::string& s) {
    return {s, nullptr};
  } catch (const char* s) {
    return {s != nullptr ? s : "(null)", nullptr};
  } catch (const error& err) {
    return {err ? err.text() : "<nil>", nullptr};
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return {"(" + (type != nullptr ? demangled(type->name()) : std::string("unknown type")) + ")", nullptr};
  }
}

}  // namespace

std::string panic_text(const std::exception_ptr& e) { return look_at(e).text; }

std::string panic_chain(const std::exception_ptr& e) {
  constexpr int longest = 100;
  std::string all;
  link l = look_at(e);
  std::string suffix;
  for (int i = 0;; ++i) {
    std::string line = "panic: " + indented(l.text) + suffix + "\n";
    const bool more = l.previous != nullptr && i < longest;
    all = (more ? "\t" : "") + line + all;
    if (!more) {
      return all;
    }
    suffix = l.previous_recovered ? " [recovered]" : "";
    l = look_at(std::exception_ptr(l.previous));
  }
}

}  // namespace base

}  // namespace gossamer::inline v0
