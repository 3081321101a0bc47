// io/interfaces: what can be closed, and what has places: as concepts, and as interface values beside io/stream's.
// Source: Go's io.Closer, Seeker, ReaderAt, WriterAt, and what is made of them. Differs: see io/stream.
//
// As reader and writer these are made from any type that has the call: a handle, of which they keep a copy, or the
// address of what stands in place. A nil one fails with `invalid argument`. Whether several fibers may use one at once
// is for what it was made from to say.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../error.hpp"
#include "seek_from.hpp"
#include "stream.hpp"

namespace gossamer::inline v0::io {

// The place, from the start.
using place = std::pair<std::int64_t, error>;

template <class T>
concept closable = requires(T& t) {
  { t.close() } -> std::convertible_to<error>;
};

// The place that the next read or write begins at goes `offset` from `whence`; the new one is returned.
template <class T>
concept seekable = requires(T& t, std::int64_t offset, seek_from whence) {
  { t.seek(offset, whence) } -> std::convertible_to<place>;
};

// Reads at a place of its own: fills `to`; fewer only with an error, io::eof for one. Moves no other place, so that
// several may read at once.
template <class T>
concept readable_at = requires(T& t, std::span<std::byte> to, std::int64_t offset) {
  { t.read_at(to, offset) } -> std::convertible_to<result>;
};

// The same for writing: all, or fewer and an error.
template <class T>
concept writable_at = requires(T& t, std::span<const std::byte> from, std::int64_t offset) {
  { t.write_at(from, offset) } -> std::convertible_to<result>;
};

// What a closer holds.
class GOSSAMER_API closer_interface : public detail::counted {
 public:
  virtual error close() = 0;
  virtual void* object(const std::type_info& type) noexcept = 0;
};
// What a seeker holds.
class GOSSAMER_API seeker_interface : public detail::counted {
 public:
  virtual place seek(std::int64_t offset, seek_from whence) = 0;
  virtual void* object(const std::type_info& type) noexcept = 0;
};
// What a reader_at holds.
class GOSSAMER_API reader_at_interface : public detail::counted {
 public:
  virtual result read_at(std::span<std::byte> to, std::int64_t offset) = 0;
  virtual void* object(const std::type_info& type) noexcept = 0;
};
// What a writer_at holds.
class GOSSAMER_API writer_at_interface : public detail::counted {
 public:
  virtual result write_at(std::span<const std::byte> from, std::int64_t offset) = 0;
  virtual void* object(const std::type_info& type) noexcept = 0;
};

}  // namespace gossamer::inline v0::io

namespace gossamer::inline v0::detail {

// Can be held by an interface value: a handle, or a pointer of any sort.
template <class T>
concept holdable = std::move_constructible<T> && (points<T> || std::copy_constructible<T>) &&
                   !std::derived_from<behind_of<T>, counted>;

template <class T>
class closing final : public io::closer_interface {
 public:
  explicit closing(T own) : own_(std::move(own)) {}
  error close() override { return get_behind(own_).close(); }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }

 private:
  T own_;
};

template <class T>
class seeking final : public io::seeker_interface {
 public:
  explicit seeking(T own) : own_(std::move(own)) {}
  io::place seek(std::int64_t offset, io::seek_from whence) override { return get_behind(own_).seek(offset, whence); }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }

 private:
  T own_;
};

template <class T>
class reading_at final : public io::reader_at_interface {
 public:
  explicit reading_at(T own) : own_(std::move(own)) {}
  io::result read_at(std::span<std::byte> to, std::int64_t offset) override {
    return get_behind(own_).read_at(to, offset);
  }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }

 private:
  T own_;
};

template <class T>
class writing_at final : public io::writer_at_interface {
 public:
  explicit writing_at(T own) : own_(std::move(own)) {}
  io::result write_at(std::span<const std::byte> from, std::int64_t offset) override {
    return get_behind(own_).write_at(from, offset);
  }
  void* object(const std::type_info& type) noexcept override { return object_of(own_, type); }

 private:
  T own_;
};

// What all interface values have.
template <class Interface>
class interface_value {
 public:
  constexpr interface_value() noexcept = default;
  explicit interface_value(Interface* of) noexcept : its_(of) {}

  // What it was made from, if it is a T; else null.
  template <class T>
  T* as() const noexcept {
    return its_ ? static_cast<T*>(its_->object(typeid(T))) : nullptr;
  }
  explicit operator bool() const noexcept { return static_cast<bool>(its_); }

 protected:
  reference<Interface> its_;
};

}  // namespace gossamer::inline v0::detail

namespace gossamer::inline v0::io {

// closer: any type that is closable, or nil. Go's io.Closer.
class GOSSAMER_API closer : public detail::interface_value<closer_interface> {
 public:
  constexpr closer() noexcept = default;
  constexpr closer(std::nullptr_t) noexcept {}
  template <class T>
    requires(!std::derived_from<T, closer> && detail::holdable<T> && closable<detail::behind_of<T>>)
  closer(T of) : interface_value(detail::hold<closer_interface, detail::closing<T>>(std::move(of))) {}

  error close() const;
};

// seeker: any type that is seekable, or nil. Go's io.Seeker.
class GOSSAMER_API seeker : public detail::interface_value<seeker_interface> {
 public:
  constexpr seeker() noexcept = default;
  constexpr seeker(std::nullptr_t) noexcept {}
  template <class T>
    requires(!std::derived_from<T, seeker> && detail::holdable<T> && seekable<detail::behind_of<T>>)
  seeker(T of) : interface_value(detail::hold<seeker_interface, detail::seeking<T>>(std::move(of))) {}

  place seek(std::int64_t offset, seek_from whence) const;
};

// Panics if what it was made from says that it read more than there was room for.
class GOSSAMER_API reader_at : public detail::interface_value<reader_at_interface> {
 public:
  constexpr reader_at() noexcept = default;
  constexpr reader_at(std::nullptr_t) noexcept {}
  template <class T>
    requires(!std::derived_from<T, reader_at> && detail::holdable<T> && readable_at<detail::behind_of<T>>)
  reader_at(T from) : interface_value(detail::hold<reader_at_interface, detail::reading_at<T>>(std::move(from))) {}

  template <detail::writable_bytes R>
  result read_at(R&& to, std::int64_t offset) const {
    return read_some_at(std::as_writable_bytes(std::span(to)), offset);
  }

 private:
  result read_some_at(std::span<std::byte> to, std::int64_t offset) const;
};

// What it was made from is found out as by a writer: io::invalid_write, io::short_write.
class GOSSAMER_API writer_at : public detail::interface_value<writer_at_interface> {
 public:
  constexpr writer_at() noexcept = default;
  constexpr writer_at(std::nullptr_t) noexcept {}
  template <class T>
    requires(!std::derived_from<T, writer_at> && detail::holdable<T> && writable_at<detail::behind_of<T>>)
  writer_at(T to) : interface_value(detail::hold<writer_at_interface, detail::writing_at<T>>(std::move(to))) {}

  template <detail::readable_bytes R>
    requires(!detail::is_text<R>)
  result write_at(R&& from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }
  result write_at(std::string_view from, std::int64_t offset) const {
    return write_all_at(std::as_bytes(std::span(from)), offset);
  }

 private:
  result write_all_at(std::span<const std::byte> from, std::int64_t offset) const;
};

// Several interface values of one thing: it has the calls of each, and is each where one is asked for. Made of what has
// them all, of one with more of them, or of one value for each. as() and whether it is nil are the first one's.
template <class First, class... Others>
class combined : public First, public Others... {
 public:
  constexpr combined() noexcept = default;
  constexpr combined(std::nullptr_t) noexcept {}
  constexpr combined(First first, Others... others) noexcept : First(std::move(first)), Others(std::move(others))... {}
  template <class T>
    requires(!std::derived_from<T, combined> && std::copy_constructible<T> && std::convertible_to<const T&, First> &&
             (std::convertible_to<const T&, Others> && ...))
  combined(const T& of) : First(of), Others(of)... {}

  template <class T>
  T* as() const noexcept {
    return First::template as<T>();
  }
  explicit operator bool() const noexcept { return static_cast<bool>(static_cast<const First&>(*this)); }
};

using read_writer = combined<reader, writer>;
using read_closer = combined<reader, closer>;
using write_closer = combined<writer, closer>;
using read_write_closer = combined<reader, writer, closer>;
using read_seeker = combined<reader, seeker>;
using write_seeker = combined<writer, seeker>;
using read_write_seeker = combined<reader, writer, seeker>;
using read_seek_closer = combined<reader, seeker, closer>;

// `from`, with a close() that does nothing.
[[nodiscard]] GOSSAMER_API read_closer nop_closer(reader from);

}  // namespace gossamer::inline v0::io
