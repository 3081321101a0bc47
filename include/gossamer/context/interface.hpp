// context/interface: the context handle, what it refers to, keys and values. See gossamer/context.hpp.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "../chan.hpp"
#include "../detail/config.hpp"
#include "../detail/function.hpp"
#include "../detail/invoke.hpp"
#include "../detail/stop.hpp"
#include "../error.hpp"
#include "../time.hpp"

namespace gossamer::inline v0 {

namespace debug {
struct layout_access;  // lib/debug: tells debuggers where things are
}

namespace detail {

struct context_access;

// What a key of type K is to those who do not know K.
struct key_type {
  const std::type_info* type;
  bool (*equal)(const void*, const void*);
};
template <class K>
inline constexpr key_type key_type_of = {
    &typeid(K), [](const void* a, const void* b) { return *static_cast<const K*>(a) == *static_cast<const K*>(b); }};

// What a key or a value is kept as: strings of every sort are std::string, and equal as such.
template <class T>
using kept = std::conditional_t<std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>,
                                std::string, std::decay_t<T>>;

}  // namespace detail

namespace context {

// What err() says after a cancellation, and after the deadline. The second is a timeout.
GOSSAMER_API extern const errors::sentinel canceled;           // context canceled
GOSSAMER_API extern const errors::sentinel deadline_exceeded;  // context deadline exceeded

// A key that is looked for: a value of any type. Refers to it.
class any_key {
 public:
  template <std::equality_comparable K>
  explicit any_key(const K& key) noexcept : type_(&detail::key_type_of<K>), object_(detail::address_of(key)) {}

  // The key, if it is a K; else null. Strings are std::string.
  template <class K>
  const K* as() const noexcept {
    return *type_->type == typeid(K) ? static_cast<const K*>(object_) : nullptr;
  }
  // Equal by type and value.
  friend bool operator==(const any_key& a, const any_key& b) {
    return (a.type_ == b.type_ || *a.type_->type == *b.type_->type) && a.type_->equal(a.object_, b.object_);
  }

 private:
  friend struct detail::context_access;
  any_key(const detail::key_type* type, const void* object) noexcept : type_(type), object_(object) {}

  const detail::key_type* type_;
  const void* object_;
};

// A value that was found, or none. Refers to it.
class any_value {
 public:
  any_value() noexcept = default;
  template <class V>
  explicit any_value(const V& value) noexcept : type_(&typeid(V)), object_(detail::address_of(value)) {}

  // The value, if it is a V; else null.
  template <class V>
  const V* as() const noexcept {
    return type_ != nullptr && *type_ == typeid(V) ? static_cast<const V*>(object_) : nullptr;
  }
  explicit operator bool() const noexcept { return type_ != nullptr; }

 private:
  friend struct detail::context_access;
  any_value(const std::type_info* type, const void* object) noexcept : type_(type), object_(object) {}

  const std::type_info* type_ = nullptr;
  const void* object_ = nullptr;
};

// A context: a counted reference to one that does not change but by its cancellation; nil refers to none.
class GOSSAMER_API context {
 public:
  constexpr context() noexcept = default;
  constexpr context(std::nullptr_t) noexcept {}
  // Moves a context of a type of one's own to the heap. make() where it cannot be moved.
  template <std::derived_from<interface> C>
  context(C c) : context(static_cast<const interface*>(new C(std::move(c)))) {}
  context(const context& other) noexcept : object_(other.object_) { keep(); }
  context(context&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  context& operator=(context other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~context() { drop(std::exchange(object_, nullptr)); }

  // When it will be cancelled at the latest; empty if there is no such time.
  std::optional<time::time_point> deadline() const;
  // Closed when it is cancelled; nil if it never is. The same one each time. Kept open for ever where nobody is left
  // who could cancel: hold the context, not its channel alone.
  recv_chan<void> done() const;
  // nil until done() is closed; then canceled or deadline_exceeded (or what a context of another type says; canceled
  // where that says nothing) for good.
  error err() const;
  // The value that was given for the key, or for an equal one of the same type, nearest to this context; null if there
  // is none, or it is no V. Lives as long as the context. Strings of every sort are std::string.
  template <class V, std::equality_comparable K>
  const V* value(const K& key) const {
    if constexpr (std::same_as<detail::kept<K>, K>) {
      return value(any_key(key)).template as<V>();
    } else {
      const detail::kept<K> own(key);
      return value(any_key(own)).template as<V>();
    }
  }
  any_value value(const any_key& key) const;
  // How it came about: `context.background.with_cancel`.
  std::string text() const;

  // What ends a wait once it is cancelled, for the calls that take one: mu.try_lock_until(ctx), ch.recv_until(ctx, v),
  // wg.wait_until({1s, ctx}), time::sleep_for(1s, ctx) (see limit.hpp). Good while the context lives.
  operator wait::stop() const;

  // Source: Go's ctx.(*C). The context, if it is of that type; else null.
  template <std::derived_from<interface> C>
    requires(!std::same_as<C, interface>)
  const C* as() const noexcept {
    return dynamic_cast<const C*>(object_);
  }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const context& a, const context& b) noexcept { return a.object_ == b.object_; }
  friend bool operator==(const context& a, std::nullptr_t) noexcept { return a.object_ == nullptr; }

 private:
  friend struct detail::context_access;
  friend std::hash<context>;
  // Counts a reference.
  explicit context(const interface* object) noexcept : object_(object) { keep(); }
  inline void keep() const noexcept;
  inline static void drop(const interface* object) noexcept;
  static void end(const interface* object) noexcept;

  const interface* object_ = nullptr;
};

// Its text(); `<nil>` for nil.
GOSSAMER_API std::ostream& operator<<(std::ostream& to, const context& ctx);

// What after_func() of a type of one's own is given, and what it returns: functions as values, made of any callable and
// called as one. Copies are the same function; nil is none.
using callback = detail::function<void>;
using stop_callback = detail::function<bool>;

// What a context refers to. A type of one's own derives from it; what it does not override is its parent's, as where Go
// embeds a Context. With no parent: nothing, as of background(). The functions may be called by several at once.
class GOSSAMER_API interface {
 public:
  interface() noexcept = default;
  explicit interface(context parent) noexcept : parent_(std::move(parent)) {}
  interface(const interface& other) noexcept : parent_(other.parent_), kind_(other.kind_) {}
  interface& operator=(const interface&) = delete;
  virtual ~interface();

  virtual std::optional<time::time_point> deadline() const { return parent_ ? parent_.deadline() : std::nullopt; }
  // The context keeps the channel that it returns, and returns the same one each time. It closes it when err() is
  // set, and not before.
  virtual recv_chan<void> done() const { return parent_ ? parent_.done() : nullptr; }
  virtual error err() const { return parent_ ? parent_.err() : error(); }
  // Must hand on the keys that it does not know to its parent.
  virtual any_value value(const any_key& key) const { return parent_ ? parent_.value(key) : any_value(); }
  // The type's name.
  virtual std::string text() const;
  // Optional: arranges that f is called once after done() is closed, and returns what prevents that: true if it did.
  // A type with a done() of its own that does not have it costs a fiber for each child. Source: Go's AfterFunc(func())
  // func() bool.
  virtual stop_callback after_func(callback f) const {
    static_cast<void>(f);
    return nullptr;
  }

 protected:
  const context& parent() const noexcept { return parent_; }

 private:
  friend class context;
  friend struct detail::context_access;
  friend struct debug::layout_access;
  enum class kind : std::uint8_t { foreign, root, value, without_cancel, cancel };

  mutable context parent_;
  mutable std::atomic<std::uint32_t> handles_{0};
  kind kind_ = kind::foreign;
};

// A context of a type of one's own, made in place.
template <std::derived_from<interface> C, class... Args>
context make(Args&&... args);

}  // namespace context

namespace detail {

struct context_access {
  using kind = context::interface::kind;
  static context::context own(const context::interface* object) noexcept { return context::context(object); }
  // The first handle to what has just been made; n are counted.
  static context::context first(const context::interface* object, std::uint32_t n = 1) noexcept {
    object->handles_.store(n, std::memory_order_relaxed);  // relaxed: nobody else knows it
    return adopt(object);
  }
  // A handle that is counted already.
  static context::context adopt(const context::interface* object) noexcept {
    context::context ctx;
    ctx.object_ = object;
    return ctx;
  }
  static const context::interface* object(const context::context& ctx) noexcept { return ctx.object_; }
  static const context::context& parent(const context::interface& i) noexcept { return i.parent_; }
  static kind kind_of(const context::interface& i) noexcept { return i.kind_; }
  static void set_kind(context::interface& i, kind k) noexcept { i.kind_ = k; }
  static context::context take_parent(const context::interface& i) noexcept { return std::move(i.parent_); }
  static std::atomic<std::uint32_t>& handles(const context::interface& i) noexcept { return i.handles_; }
  static context::any_key key(const key_type* type, const void* object) noexcept { return {type, object}; }
  static context::any_value value(const std::type_info* type, const void* object) noexcept { return {type, object}; }
  template <class Function>
  static Function function(context::context of) noexcept {
    return Function(std::move(of));
  }
};

}  // namespace detail

namespace context {

inline void context::keep() const noexcept {
  if (object_ != nullptr && object_->kind_ != interface::kind::root) {
    object_->handles_.fetch_add(1, std::memory_order_relaxed);  // relaxed: whoever copies has a handle already
  }
}

inline void context::drop(const interface* object) noexcept {
  // acquire and acq_rel: what others did with their handles happens before the object's end. The last one needs no
  // exchange: there is no other that could be copied.
  if (object != nullptr && object->kind_ != interface::kind::root &&
      (object->handles_.load(std::memory_order_acquire) == 1 ||
       object->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
    end(object);
  }
}

template <std::derived_from<interface> C, class... Args>
context make(Args&&... args) {
  return detail::context_access::first(new C(std::forward<Args>(args)...));
}

}  // namespace context

}  // namespace gossamer::inline v0

template <>
struct std::hash<gossamer::context::context> {
  std::size_t operator()(const gossamer::context::context& c) const noexcept {
    return std::hash<const void*>()(static_cast<const void*>(c.object_));
  }
};
