// http/file_system: where files come from that are served.
// Source: Go's http.FileSystem, http.File, http.Dir. Differs: names are those of Go's fs.FS, so that an os::root is
// one, too; symbolic links do not lead out of a `dir`.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "../detail/config.hpp"
#include "../detail/counted.hpp"
#include "../error.hpp"
#include "../io/interfaces.hpp"
#include "../os/file.hpp"
#include "../os/root.hpp"

namespace gossamer::inline v0::http {

// Says what it is, and, if it is a directory, what it holds; as os::file.
template <class T>
concept describable = requires(T& t, int n) {
  { t.stat() } -> std::convertible_to<std::pair<os::file_info, gossamer::error>>;
  { t.read_dir(n) } -> std::convertible_to<std::pair<std::vector<os::dir_entry>, gossamer::error>>;
};

// What a description refers to.
class GOSSAMER_API description_interface : public detail::counted {
 public:
  virtual std::pair<os::file_info, gossamer::error> stat() = 0;
  virtual std::pair<std::vector<os::dir_entry>, gossamer::error> read_dir(int n) = 0;
  virtual void* object(const std::type_info& type) noexcept = 0;
};

namespace file_system_detail {

template <class T>
class describing final : public description_interface {
 public:
  explicit describing(T own) : own_(std::move(own)) {}
  std::pair<os::file_info, gossamer::error> stat() override { return detail::get_behind(own_).stat(); }
  std::pair<std::vector<os::dir_entry>, gossamer::error> read_dir(int n) override {
    return detail::get_behind(own_).read_dir(n);
  }
  void* object(const std::type_info& type) noexcept override { return detail::object_of(own_, type); }

 private:
  T own_;
};

}  // namespace file_system_detail

// Any type that is describable, or nil, which fails with `invalid argument`.
class GOSSAMER_API description : public detail::interface_value<description_interface> {
 public:
  constexpr description() noexcept = default;
  constexpr description(std::nullptr_t) noexcept {}
  template <class T>
    requires(!std::derived_from<T, description> && detail::holdable<T> && describable<detail::behind_of<T>>)
  description(T of)
      : interface_value(detail::hold<description_interface, file_system_detail::describing<T>>(std::move(of))) {}

  std::pair<os::file_info, gossamer::error> stat() const;
  // As os::file::read_dir().
  std::pair<std::vector<os::dir_entry>, gossamer::error> read_dir(int n = -1) const;
};

// What a file system opens: any handle, or smart pointer, with read(), seek(), close(), stat() and read_dir(), such as
// an os::file. Of what stat() says a server uses name (the extension), size, mod_time and whether it is a directory.
using file = io::combined<io::reader, io::seeker, io::closer, description>;

// What a file_system refers to.
class GOSSAMER_API file_system_interface : public detail::counted {
 public:
  virtual std::pair<file, gossamer::error> open(std::string_view name) = 0;
};

// Has open(name), which gives what a file can be made of.
template <class T>
concept opens_files = requires(T& t, std::string_view name) {
  { t.open(name) } -> std::convertible_to<std::pair<file, gossamer::error>>;
};

namespace file_system_detail {

template <class T>
class opening final : public file_system_interface {
 public:
  explicit opening(T own) : own_(std::move(own)) {}
  std::pair<file, gossamer::error> open(std::string_view name) override { return detail::get_behind(own_).open(name); }

 private:
  T own_;
};

}  // namespace file_system_detail

// Files by their name: any type with open(name), or a pointer to such (which must live as long). Names are paths
// without a slash at their ends, and without empty elements, `.` and `..`; the whole is `.`. What open() fails with
// counts as errors::is() finds it: os::not_exist and os::permission. A handle: copies are the same one. Called by many
// fibers at the same time.
class GOSSAMER_API file_system {
 public:
  constexpr file_system() noexcept = default;
  constexpr file_system(std::nullptr_t) noexcept {}
  explicit file_system(file_system_interface* of) noexcept : its_(of) {}
  template <class T>
    requires(!std::derived_from<T, file_system> && detail::holdable<T> && opens_files<detail::behind_of<T>>)
  file_system(T of) : its_(detail::hold<file_system_interface, file_system_detail::opening<T>>(std::move(of))) {}

  // Of nil it panics with Go's text.
  std::pair<file, gossamer::error> open(std::string_view name) const;
  explicit operator bool() const noexcept { return static_cast<bool>(its_); }

 private:
  detail::reference<file_system_interface> its_;
};

// A directory of the disk, and what lies below it; hidden files too. Symbolic links are followed as long as they do not
// lead out of it, as those of an os::root, which is what opens files here; what lies behind another does not exist
// (os::path_escapes). To serve what lies elsewhere bind mounts do, or a file_system of one's own.
//
// Made from a path it is looked up anew for each file: if the path is a link that is set to another directory, that one
// is served from then on. Made from a root it stays that one. Opening waits for no writer of a pipe.
class GOSSAMER_API dir {
 public:
  // Empty: the current directory.
  explicit dir(std::string path) : path_(std::move(path)) {}
  explicit dir(os::root root) noexcept : root_(std::move(root)) {}
  std::pair<os::file, gossamer::error> open(std::string_view name) const;

 private:
  std::string path_;
  os::root root_;
};

}  // namespace gossamer::inline v0::http
