// io/stream: what can be read from and written to, as a concept for templates and as a value for all else.
// Source: Go's io.Reader and io.Writer. Differs: the interface values are handles that keep what they refer to.
//
// `readable` and `writable` are what has read() and write(): a net::conn, an os::file, an io::buffer, a type of one's
// own. `reader` and `writer` are Go's interface values, and are made from any of them: from a handle (whatever can be
// copied) they keep a copy, and what is in place is given by its address, as in Go, and must live as long:
//
//   io::buffer all;
//   io::copy(&all, conn);
//
// read() and write() of what is given promise what Go's do. read: up to so many bytes, at least one unless there is an
// error or no room; io::eof at the end. write: all, or fewer and an error. Those who break it are found out: see reader
// and writer.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../detail/invoke.hpp"
#include "../error.hpp"
#include "../io_errors.hpp"

namespace gossamer::inline v0::os {
class file;
}  // namespace gossamer::inline v0::os

namespace gossamer::inline v0::io {

// How many bytes were moved, and what went wrong; there may be both.
using result = std::pair<std::size_t, error>;

template <class T>
concept readable = requires(T& t, std::span<std::byte> to) {
  { t.read(to) } -> std::convertible_to<result>;
};

template <class T>
concept writable = requires(T& t, std::span<const std::byte> from) {
  { t.write(from) } -> std::convertible_to<result>;
};

class reader;
class writer;

// How much was copied, and why it ended, unless that was the end of what was read.
using copied = std::pair<std::int64_t, error>;

// Has a way of its own to be copied, which copy() takes instead of reading piece by piece; with the result of copy().
// Source: Go's io.WriterTo and ReaderFrom.
template <class T>
concept writer_to = requires(T& t, const writer& to) {
  { t.write_to(to) } -> std::convertible_to<copied>;
};
template <class T>
concept reader_from = requires(T& t, const reader& from) {
  { t.read_from(from) } -> std::convertible_to<copied>;
};

// What a reader refers to. A type of one's own may derive from it, and is made by make_reader().
class GOSSAMER_API reader_interface : public detail::counted {
 public:
  virtual result read(std::span<std::byte> to) = 0;
  // None, and nothing is moved, without a way of its own: see writer_to.
  virtual std::optional<copied> write_to(const writer&) { return std::nullopt; }
  // Calls use(to, number) with the descriptor of the os::file whose bytes it reads, just as they are, from where that
  // stands; the number stays open meanwhile. False, and nothing is called, where it reads no such. With it copy() has
  // the kernel move them.
  virtual bool with_file(void (*)(void* to, int number), void*) { return false; }
  // What it was made from, if that is a `type`; else null.
  virtual void* object(const std::type_info& type) noexcept { return type == typeid(*this) ? this : nullptr; }
  // Whether both are one, or were made from pointers of one type to the same.
  virtual bool same(const reader_interface& other) const noexcept { return this == &other; }
};

// What a writer refers to: as reader_interface, made by make_writer().
class GOSSAMER_API writer_interface : public detail::counted {
 public:
  virtual result write(std::span<const std::byte> from) = 0;
  // None, and nothing is moved, without a way of its own: see reader_from.
  virtual std::optional<copied> read_from(const reader&) { return std::nullopt; }
  virtual void* object(const std::type_info& type) noexcept { return type == typeid(*this) ? this : nullptr; }
  virtual bool same(const writer_interface& other) const noexcept { return this == &other; }
};

}  // namespace gossamer::inline v0::io

namespace gossamer::inline v0::detail {

// A pointer of any sort, and what it points to.
template <class P>
concept points = !std::same_as<P, std::nullptr_t> && requires(P& p) {
  *p;
  static_cast<bool>(p);
};
template <class T>
struct behind {
  using type = T;
};
template <points P>
struct behind<P> {
  using type = std::remove_reference_t<decltype(*std::declval<P&>())>;
};
template <class T>
using behind_of = typename behind<T>::type;

template <class T>
behind_of<T>& get_behind(T& t) noexcept {
  if constexpr (points<T>) {
    return *t;
  } else {
    return t;
  }
}

// Pointers to what counts itself are left to make_reader() and make_writer().
template <class T>
concept reads = std::move_constructible<T> && (points<T> || std::copy_constructible<T>) && io::readable<behind_of<T>> &&
                !std::derived_from<behind_of<T>, counted>;
template <class T>
concept writes = std::move_constructible<T> && (points<T> || std::copy_constructible<T>) &&
                 io::writable<behind_of<T>> && !std::derived_from<behind_of<T>, counted>;

template <class T>
void* object_of(T& own, const std::type_info& type) noexcept {
  if constexpr (std::is_const_v<behind_of<T>>) {
    return nullptr;
  } else {
    return type == typeid(behind_of<T>) ? detail::address_of(get_behind(own)) : nullptr;
  }
}

// Of two readers or writers: see reader_interface.
template <class Made, class Base, class T>
bool same_behind(const Made& made, const T& own, const Base& other, T Made::* its) noexcept {
  if constexpr (points<const T>) {
    const auto* const like = dynamic_cast<const Made*>(&other);
    return like != nullptr && own && like->*its && detail::address_of(*own) == detail::address_of(*(like->*its));
  } else {
    return &made == &other;
  }
}

template <class T>
class reading final : public io::reader_interface {
 public:
  explicit reading(T own) : own_(std::move(own)) {}
  io::result read(std::span<std::byte> to) override { return get_behind(own_).read(to); }
  std::optional<io::copied> write_to(const io::writer& to) override {
    if constexpr (io::writer_to<behind_of<T>>) {
      return get_behind(own_).write_to(to);
    } else {
      return std::nullopt;
    }
  }
  bool with_file(void (*use)(void*, int), void* to) override {
    // Not what is derived from it, which may read as it likes.
    if constexpr (std::same_as<std::remove_const_t<behind_of<T>>, os::file>) {
      return get_behind(own_).with_number(use, to);
    } else {
      return false;
    }
  }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }
  bool same(const io::reader_interface& other) const noexcept override {
    return same_behind(*this, own_, other, &reading::own_);
  }

 private:
  T own_;
};

template <class T>
class writing final : public io::writer_interface {
 public:
  explicit writing(T own) : own_(std::move(own)) {}
  io::result write(std::span<const std::byte> from) override { return get_behind(own_).write(from); }
  std::optional<io::copied> read_from(const io::reader& from) override {
    if constexpr (io::reader_from<behind_of<T>>) {
      return get_behind(own_).read_from(from);
    } else {
      return std::nullopt;
    }
  }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }
  bool same(const io::writer_interface& other) const noexcept override {
    return same_behind(*this, own_, other, &writing::own_);
  }

 private:
  T own_;
};

// Null for a null pointer, which is a nil reader.
template <class Base, class Derived, class T>
Base* hold(T&& own) {
  if constexpr (points<std::remove_cvref_t<T>>) {
    if (!own) {
      return nullptr;
    }
  }
  return new Derived(std::forward<T>(own));
}

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::io {

// Something to be read. A handle: copies read from the same. Whether it may be read by several fibers at once is for
// what it was made from to say. A nil reader fails with `invalid argument`. Panics if what it was made from says that
// it read more than there was room for.
class GOSSAMER_API reader {
 public:
  constexpr reader() noexcept = default;
  constexpr reader(std::nullptr_t) noexcept {}
  explicit reader(reader_interface* r) noexcept : its_(r) {}
  template <class T>
    requires(!std::derived_from<T, reader> && detail::reads<T>)
  reader(T from) : its_(detail::hold<reader_interface, detail::reading<T>>(std::move(from))) {}

  template <detail::writable_bytes R>
  result read(R&& to) const {
    return read_some(std::as_writable_bytes(std::span(to)));
  }

  // What it was made from, if it is a T; else null. Source: Go's r.(T).
  template <class T>
  T* as() const noexcept {
    return its_ ? static_cast<T*>(its_->object(typeid(T))) : nullptr;
  }
  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  // As Go compares interfaces: both are nil, copies of one, or made from pointers of one type to the same object.
  friend bool operator==(const reader& a, const reader& b) noexcept {
    return a.its_.get() == b.its_.get() || (a.its_ && b.its_ && a.its_->same(*b.its_));
  }
  friend bool operator==(const reader& a, std::nullptr_t) noexcept { return a.its_.get() == nullptr; }

 private:
  friend struct own_ways;
  result read_some(std::span<std::byte> to) const;

  detail::reference<reader_interface> its_;
};

// Something to be written to; as reader. If what it was made from says that it wrote more than it was given, write()
// fails with io::invalid_write; less, and no error, and it fails with io::short_write.
class GOSSAMER_API writer {
 public:
  constexpr writer() noexcept = default;
  constexpr writer(std::nullptr_t) noexcept {}
  explicit writer(writer_interface* w) noexcept : its_(w) {}
  template <class T>
    requires(!std::derived_from<T, writer> && detail::writes<T>)
  writer(T to) : its_(detail::hold<writer_interface, detail::writing<T>>(std::move(to))) {}

  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write(R&& from) const {
    return write_all(std::as_bytes(std::span(from)));
  }
  result write(std::string_view from) const { return write_all(std::as_bytes(std::span(from))); }

  template <class T>
  T* as() const noexcept {
    return its_ ? static_cast<T*>(its_->object(typeid(T))) : nullptr;
  }
  explicit operator bool() const noexcept { return static_cast<bool>(its_); }
  friend bool operator==(const writer& a, const writer& b) noexcept {
    return a.its_.get() == b.its_.get() || (a.its_ && b.its_ && a.its_->same(*b.its_));
  }
  friend bool operator==(const writer& a, std::nullptr_t) noexcept { return a.its_.get() == nullptr; }

 private:
  friend struct own_ways;
  result write_all(std::span<const std::byte> from) const;

  detail::reference<writer_interface> its_;
};

// A reader, a writer, of a type of one's own, made in place.
template <std::derived_from<reader_interface> R, class... Args>
reader make_reader(Args&&... args) {
  return reader(new R(std::forward<Args>(args)...));
}
template <std::derived_from<writer_interface> W, class... Args>
writer make_writer(Args&&... args) {
  return writer(new W(std::forward<Args>(args)...));
}

}  // namespace gossamer::inline v0::io
