// error: Go's error, a nullable handle to an object that says what went wrong.
// Source: Go's builtin error. Differs: == compares identity only; Go's compares the values of value types.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "detail/config.hpp"
#include "fwd.hpp"

namespace gossamer::inline v0 {

namespace errors {

template <class C>
concept foreign_code = !std::same_as<C, std::error_code> && requires(const C& c) {
  { c.value() } -> std::convertible_to<int>;
  c.category();
  static_cast<std::error_code>(c);
};
}  // namespace errors

// Copied like a pointer: at most one atomic increment, and none for nil and for sentinels. Each thread needs a handle
// of its own; the object behind is shared, and constant.
class GOSSAMER_API error {
 public:
  constexpr error() noexcept = default;
  // Implicit: nil, a type of one's own and a code are errors, as in Go.
  constexpr error(std::nullptr_t) noexcept {}
  // Moves a value of a type that derives from errors::base to the heap: `return not_found("x");`.
  template <std::derived_from<errors::base> E>
  error(E e) : object_(new E(std::move(e))) {
    keep();
  }
  // The zero code is nil. errors::is() finds equal codes equal.
  error(std::error_code code);
  // The same for codes that convert to it: boost::system::error_code. Defined in errors.hpp.
  template <errors::foreign_code C>
  error(const C& code);
  error(const error& other) noexcept : object_(other.object_) { keep(); }
  error(error&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  error& operator=(error other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~error() { drop(); }

  // What went wrong. Of nil it panics with Go's text, as err.Error() does.
  std::string text() const;
  // Whether it went wrong because time ran out. False for nil.
  bool timeout() const;

  explicit operator bool() const noexcept { return object_ != nullptr; }
  // The object; null for nil. Lives as long as a handle to it.
  const errors::base* get() const noexcept { return object_; }

  // The same object, or both nil.
  friend bool operator==(const error& a, const error& b) noexcept { return a.object_ == b.object_; }

 private:
  friend class errors::sentinel;
  constexpr explicit error(const errors::base* object) noexcept : object_(object) {}
  void keep() const noexcept;
  void drop() const noexcept;

  const errors::base* object_ = nullptr;
};

// The text; `<nil>` for nil.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const error& e);

namespace errors {

// What an error refers to. A type of one's own derives from it, and gives text().
class GOSSAMER_API base {
 public:
  constexpr base() noexcept = default;
  base(const base&) noexcept {}
  base& operator=(const base&) noexcept { return *this; }
  constexpr virtual ~base() = default;

  virtual std::string text() const = 0;
  virtual bool timeout() const { return false; }
  // The error that this one wraps, or those that it joins. Source: Go's Unwrap() error, Unwrap() []error.
  virtual error unwrap() const { return nullptr; }
  virtual std::span<const error> unwrap_all() const { return {}; }
  // Whether errors::is() takes this for `target`, though it is another object. Source: Go's Is(error) bool.
  virtual bool is(const error& target) const {
    static_cast<void>(target);
    return false;
  }
  // What errors::as<E>() finds in this error though it is no E: the address of a `const E`, where `type` is typeid(E),
  // which must live as long as this error; else null. Asked of each error before what it wraps. Source: Go's As(any)
  // bool.
  virtual const void* as(const std::type_info& type) const {
    static_cast<void>(type);
    return nullptr;
  }

 private:
  friend class gossamer::error;
  friend struct sentinel_object;

  bool immortal_ = false;
  // Handles to it, if it lies on the heap.
  mutable std::atomic<std::uint32_t> handles_{0};
};

// Its text(): of what errors::as() found, and of a value that is no error yet.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const base& e);

// What a sentinel is, a part of it: its object lies before the handle to it, and is not destroyed with it.
struct GOSSAMER_API sentinel_object {
  // An error whose text is a literal.
  class GOSSAMER_API literal final : public base {
   public:
    constexpr explicit literal(const char* text, bool timeout) noexcept : text_(text), timeout_(timeout) {
      immortal_ = true;
    }
    std::string text() const override { return text_; }
    bool timeout() const override { return timeout_; }

   private:
    const char* text_;
    bool timeout_;
  };
  union {
    literal object;
  };

  constexpr sentinel_object(const char* text, bool timeout) noexcept : object(text, timeout) {}
  sentinel_object(const sentinel_object&) = delete;
  sentinel_object& operator=(const sentinel_object&) = delete;
  constexpr ~sentinel_object() {}
};

// An error with a name, to be compared with. Constant-initialised, and good until the process ends: it may be used
// before main and in static destructors. `text` must live as long.
//
//   inline constinit const errors::sentinel eof{"EOF"};
//   if (err == eof) …
//
class GOSSAMER_API sentinel : private sentinel_object, public error {
 public:
  // timeout: what error::timeout() says of it.
  constexpr explicit sentinel(const char* text, bool timeout = false) noexcept
      : sentinel_object(text, timeout), error(&object) {}
};

}  // namespace errors

inline void error::keep() const noexcept {
  if (object_ != nullptr && !object_->immortal_) {
    object_->handles_.fetch_add(1, std::memory_order_relaxed);  // relaxed: whoever copies has a handle already
  }
}

inline void error::drop() const noexcept {
  // acq_rel: what other threads did with their handles happens before the object's end.
  if (object_ != nullptr && !object_->immortal_ && object_->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete object_;
  }
}

}  // namespace gossamer::inline v0

template <>
struct std::hash<gossamer::error> {
  std::size_t operator()(const gossamer::error& e) const noexcept {
    return std::hash<const void*>()(static_cast<const void*>(e.get()));
  }
};
