// root: see gossamer/os/root.hpp.
#include "gossamer/os/root.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/beneath.hpp"
#include "os/file_calls.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

constinit const errors::sentinel path_escapes{"path escapes from parent"};

std::pair<root, error> open_root(std::string_view path) {
  auto [directory, err] = open_file(path, O_PATH | O_DIRECTORY, 0);
  return {root(std::move(directory)), std::move(err)};
}

std::pair<int, error> root::number_of(const char* op, std::string_view name, int flags, unsigned permissions) const {
  file_core* const d = file_access::core(directory_);
  const auto failure = [&](error why) {
    return std::pair(-1, error(path_error(op, std::string(name), std::move(why))));
  };
  if (d == nullptr || !is_path(name)) {
    return failure(system_error(EINVAL));
  }
  const using_file inside(*d);
  if (!inside) {
    return failure(closed);
  }
  const std::string path(name);
  const ssize_t n = call([&]() -> ssize_t {
    const int number = open_beneath(d->number(), path, flags, permissions);
    if (number < 0) {
      errno = -number;
      return -1;
    }
    return number;
  });
  if (n == -EXDEV) {
    return failure(path_escapes);
  }
  return n < 0 ? failure(system_error(static_cast<int>(-n))) : std::pair(static_cast<int>(n), error());
}

std::pair<file, error> root::open_file(std::string_view name, int flags, unsigned permissions) const {
  auto [number, err] = number_of("openat", name, flags, permissions);
  if (err) {
    return {nullptr, std::move(err)};
  }
  std::string path = this->name();
  if (!path.ends_with('/')) {
    path += '/';
  }
  return {opened_file(path.append(name), number, flags), nullptr};
}

std::pair<file, error> root::open(std::string_view name) const { return open_file(name, O_RDONLY, 0); }

std::pair<file_info, error> root::stat(std::string_view name) const {
  auto [number, err] = number_of("statat", name, O_PATH, 0);
  if (err) {
    return {file_info(), std::move(err)};
  }
  struct ::stat s{};
  const ssize_t n = call([&] { return ::fstat(number, &s); });
  ::close(number);
  return {n < 0 ? file_info() : info_of(name, s), path_failure("statat", name, n)};
}

error root::close() const { return directory_.close(); }

}  // namespace gossamer::inline v0::os
