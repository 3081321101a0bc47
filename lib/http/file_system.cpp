#include "gossamer/http/file_system.hpp"

#include <fcntl.h>

#include <cerrno>

#include "gossamer/detail/runtime_error.hpp"

namespace gossamer::inline v0::http {

std::pair<os::file_info, gossamer::error> description::stat() const {
  return its_ ? its_->stat() : std::pair(os::file_info(), gossamer::error(os::system_error(EINVAL)));
}

std::pair<std::vector<os::dir_entry>, gossamer::error> description::read_dir(int n) const {
  return its_ ? its_->read_dir(n) : std::pair(std::vector<os::dir_entry>(), gossamer::error(os::system_error(EINVAL)));
}

std::pair<file, gossamer::error> file_system::open(std::string_view name) const {
  if (!its_) {
    detail::call_of_nil();
  }
  return its_->open(name);
}

std::pair<os::file, gossamer::error> dir::open(std::string_view name) const {
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  return root_ ? root_.open_file(name, flags, 0)
               : os::open_in_root(path_.empty() ? "." : std::string_view(path_), name, flags);
}

}  // namespace gossamer::inline v0::http
