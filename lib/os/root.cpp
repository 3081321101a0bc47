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

namespace {

// Of what a call with open_beneath() has returned: the number, or why there is none.
std::pair<int, error> number_or_failure(const char* op, std::string_view name, ssize_t n) {
  if (n >= 0) {
    return {static_cast<int>(n), nullptr};
  }
  const error why = n == -EXDEV ? error(path_escapes) : error(system_error(static_cast<int>(-n)));
  return {-1, path_error(op, std::string(name), why)};
}

// For call().
ssize_t with_errno(ssize_t n) noexcept {
  if (n < 0) {
    errno = static_cast<int>(-n);
    return -1;
  }
  return n;
}

std::string joined(std::string directory, std::string_view name) {
  if (!directory.ends_with('/')) {
    directory += '/';
  }
  return directory.append(name);
}

}  // namespace

std::pair<int, error> root::number_of(const char* op, std::string_view name, int flags, unsigned permissions) const {
  file_core* const d = file_access::core(directory_);
  if (d == nullptr || !is_path(name)) {
    return number_or_failure(op, name, -EINVAL);
  }
  const using_file inside(*d);
  if (!inside) {
    return {-1, path_error(op, std::string(name), closed)};
  }
  const std::string path(name);
  return number_or_failure(op, name,
                           call([&] { return with_errno(open_beneath(d->number(), path, flags, permissions)); }));
}

std::pair<file, error> root::open_file(std::string_view name, int flags, unsigned permissions) const {
  std::string whole = joined(this->name(), name);  // may throw: before there is a descriptor
  auto [number, err] = number_of("openat", name, flags, permissions);
  if (err) {
    return {nullptr, std::move(err)};
  }
  return {opened_file(std::move(whole), number, flags), nullptr};
}

std::pair<file, error> open_in_root(std::string_view directory, std::string_view name, int flags,
                                    unsigned permissions) {
  if (!is_path(directory) || !is_path(name)) {
    return {nullptr, number_or_failure("openat", name, -EINVAL).second};
  }
  const std::string base(directory);
  const std::string path(name);
  std::string whole = joined(base, name);  // may throw: before there is a descriptor
  const int root = static_cast<int>(call([&] { return ::open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (root < 0) {
    return {nullptr, path_failure("open", directory, root)};
  }
  const ssize_t n = call([&] { return with_errno(open_beneath(root, path, flags, permissions)); });
  ::close(root);  // a mere path, which waits for nothing
  auto [number, err] = number_or_failure("openat", name, n);
  if (err) {
    return {nullptr, std::move(err)};
  }
  return {opened_file(std::move(whole), number, flags), nullptr};
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
