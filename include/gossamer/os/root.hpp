// os/root: a directory that no path leads out of.
// Source: Go's os.Root. Differs: of its calls those that open and look.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "file.hpp"

namespace gossamer::inline v0::os {

// A path of a root that leads out of it: by `..`, by a symbolic link, or since it is absolute.
GOSSAMER_API extern const errors::sentinel path_escapes;  // path escapes from parent

class root;
// The directory at that path, which itself may be anything: absolute, relative, a link.
[[nodiscard]] GOSSAMER_API std::pair<root, error> open_root(std::string_view path);

// As open_root(directory), and open_file() of that: one file, and the root is gone again. Source: Go's os.OpenInRoot.
[[nodiscard]] GOSSAMER_API std::pair<file, error> open_in_root(std::string_view directory, std::string_view name,
                                                               int flags = 0, unsigned permissions = 0);

// A directory, and what lies below it. Paths are relative to it, and may neither begin with `/` nor lead out of it, not
// for a moment: `a/../..` does. Symbolic links are followed as long as what they lead to lies in it; absolute ones do
// not. It is the same directory though its path may lead to another later on. Links that others change meanwhile open
// no way out. Mounts and bind mounts in it are parts of it.
//
// A handle: copies are the same root, and the last one closes it. From any number of fibers and threads; the thread
// blocks as in runtime::blocking(). Errors are path_errors: `openat NAME: path escapes from parent`; calls on nil fail
// with `invalid argument`.
class GOSSAMER_API root {
 public:
  constexpr root() noexcept = default;
  constexpr root(std::nullptr_t) noexcept {}

  // To be read. `.` is the directory itself.
  std::pair<file, error> open(std::string_view name) const;
  // With the flags of <fcntl.h>, as os::open_file().
  std::pair<file, error> open_file(std::string_view name, int flags, unsigned permissions) const;
  std::pair<file_info, error> stat(std::string_view name) const;
  // Calls that come later fail with `file already closed`; what was opened stays open.
  error close() const;

  // The path that it was opened by.
  std::string name() const { return directory_.name(); }
  explicit operator bool() const noexcept { return static_cast<bool>(directory_); }
  friend bool operator==(const root& a, const root& b) noexcept = default;

 private:
  friend std::pair<root, error> open_root(std::string_view path);
  explicit root(file directory) noexcept : directory_(std::move(directory)) {}
  std::pair<int, error> number_of(const char* op, std::string_view name, int flags, unsigned permissions) const;

  file directory_;
};

}  // namespace gossamer::inline v0::os
