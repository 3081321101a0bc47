// panic: see gossamer/panic.hpp, exit.hpp and panic_chain.hpp.
#include "gossamer/panic.hpp"

#include <cxxabi.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"

namespace gossamer::inline v0 {

namespace detail {

panic_payload::panic_payload(reference<panic_payload> value_of)
    : text(value_of->text), type(value_of->type), repeated(std::move(value_of)), thrown_at(repeated->thrown_at) {
  if (repeated->repeated) {
    repeated = reference<panic_payload>(repeated->repeated);
  }
}
panic_payload::~panic_payload() = default;

bool panic_payload::begin_during(std::exception_ptr first, bool was_recovered) noexcept {
  link before = link::none;
  // relaxed: who comes first has nothing to see, and who comes second looks at nothing.
  if (!link_.compare_exchange_strong(before, link::being_made, std::memory_order_relaxed)) {
    return false;
  }
  previous_ = std::move(first);
  previous_recovered_ = was_recovered;
  // release: pairs with the acquire in previous().
  link_.store(link::made, std::memory_order_release);
  return true;
}

std::exception_ptr panic_payload::previous() const noexcept {
  // acquire: pairs with the release in begin_during().
  return link_.load(std::memory_order_acquire) == link::made ? previous_ : nullptr;
}

std::string name_of(const std::type_info& type) { return base::demangled(type.name()); }

namespace {

// Source: Go's strconv.FormatFloat(n, 'g', -1).
template <class N>
std::string float_form(N n) {
  if (!std::isfinite(n)) {
    return n > 0 ? "+Inf" : n < 0 ? "-Inf" : "NaN";
  }
  char text[64];
  const char* end = std::to_chars(text, text + sizeof text, n, std::chars_format::scientific).ptr;
  const std::string_view scientific(text, static_cast<std::size_t>(end - text));
  const std::size_t at = scientific.find('e') + 1;
  int exponent = 0;
  std::from_chars(text + at + (text[at] == '+' ? 1 : 0), end, exponent);
  if (exponent >= -4 && exponent < 6) {
    end = std::to_chars(text, text + sizeof text, n, std::chars_format::fixed).ptr;
  }
  return {text, static_cast<std::size_t>(end - text)};
}

}  // namespace

std::string print_form(double n) { return float_form(n); }
std::string print_form(float n) { return float_form(n); }
std::string print_form(const void* p) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(reinterpret_cast<std::uintptr_t>(p)));
  return text;
}

void throw_runtime_error(std::string_view text) {
  const error err{runtime::error(std::string(text))};
  throw_panic(reference<panic_payload>(new panic_value<error>(std::string(text), err)));
}

}  // namespace detail

using payload_reference = detail::reference<detail::panic_payload>;

runtime::error::~error() = default;
runtime::panic_nil_error::~panic_nil_error() = default;

panic_error::panic_error(std::string text) : payload_(new detail::panic_value<std::string>(text, text)) {}

panic_error::~panic_error() = default;

std::ostream& operator<<(std::ostream& to, const panic_error& p) { return to << p.text(); }
std::ostream& operator<<(std::ostream& to, const std::optional<panic_error>& recovered) {
  return to << (recovered ? recovered->text() : "<nil>");
}

void panic(std::string_view text) {
  detail::throw_panic(payload_reference(new detail::panic_value<std::string>(std::string(text), std::string(text))));
}

void panic(std::nullptr_t) { panic(error(runtime::panic_nil_error())); }

void panic(const error& err) {
  if (!err) {
    panic(nullptr);
  }
  detail::throw_panic(payload_reference(new detail::panic_value<error>(err.text(), err)));
}

void panic(const panic_error& recovered) {
  detail::throw_panic(payload_reference(new detail::panic_payload(recovered.shared_payload())));
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
  detail::reference<detail::panic_payload> payload = nullptr;  // null: it is no panic()'s
};

link look_at(const std::exception_ptr& e) {
  if (e == nullptr) {
    return {"(an exception of another language)", nullptr};
  }
  try {
    std::rethrow_exception(e);
  } catch (const panic_error& p) {
    return {p.what(), p.payload().previous(), p.payload().previous_recovered(), p.shared_payload()};
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

// Whether the value of the panic that began during `e`, which is `first`, is that of e.
bool repeats(const link& later, const std::exception_ptr& e, const link& first) {
  if (later.payload == nullptr) {
    return false;
  }
  const detail::panic_payload& source = later.payload->source();
  if (first.payload != nullptr) {
    return source.has_value_of(first.payload->source());
  }
  return *source.type == typeid(std::exception_ptr) &&
         static_cast<const detail::panic_value<std::exception_ptr>&>(source).value == e;
}

}  // namespace

std::string panic_text(const std::exception_ptr& e) { return look_at(e).text; }

detail::trace_reference panic_site(const std::exception_ptr& e) noexcept {
  if (e != nullptr) {
    try {
      std::rethrow_exception(e);
    } catch (const panic_error& p) {
      return p.payload().thrown_at;
    } catch (...) {
    }
  }
  return nullptr;
}

bool is_in_chain(std::exception_ptr e, const detail::panic_payload& payload) noexcept {
  while (e != nullptr) {
    try {
      std::rethrow_exception(e);
    } catch (const panic_error& p) {
      if (&p.payload() == &payload) {
        return true;
      }
      e = p.payload().previous();
    } catch (...) {
      return false;
    }
  }
  return false;
}

void begin_during(std::exception_ptr later, const std::exception_ptr& first, bool was_recovered) noexcept {
  while (later != nullptr) {
    try {
      std::rethrow_exception(later);
    } catch (const panic_error& p) {
      if (is_in_chain(first, p.payload()) || p.payload().begin_during(first, was_recovered)) {
        return;
      }
      later = p.payload().previous();
    } catch (...) {
      return;
    }
  }
}

// Source: Go's printpanics(): of two in a row with the same value the second is not printed.
std::string panic_chain(const std::exception_ptr& e) {
  constexpr std::size_t longest = 100;
  std::vector<std::exception_ptr> all{e};  // the last first
  std::vector<link> links{look_at(e)};
  while (links.back().previous != nullptr && links.size() < longest) {
    all.push_back(links.back().previous);
    links.push_back(look_at(all.back()));
  }
  std::string text;
  bool repeated = false;
  for (std::size_t i = links.size(); i-- > 0;) {
    const bool printed = !repeated;
    repeated = i > 0 && repeats(links[i - 1], all[i], links[i]);
    if (!printed) {
      continue;
    }
    text += (text.empty() ? "panic: " : "\tpanic: ") + indented(links[i].text);
    if (i > 0 && links[i - 1].previous_recovered) {
      text += repeated ? " [recovered, repanicked]" : " [recovered]";
    }
    text += "\n";
  }
  return text;
}

}  // namespace base

}  // namespace gossamer::inline v0
