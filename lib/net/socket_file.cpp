// socket_file: see socket_file.hpp.
#include "net/socket_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "net/sockaddr.hpp"

namespace gossamer::inline v0::net {

socket_file::socket_file(const addr& bound) {
  const auto* const u = bound.as<unix_addr>();
  struct ::stat s{};
  if (u != nullptr && !is_abstract(u->name) && ::lstat(u->name.c_str(), &s) == 0 && S_ISSOCK(s.st_mode)) {
    path_ = u->name;
    device_ = s.st_dev;
    inode_ = s.st_ino;
  }
}

void socket_file::remove() noexcept {
  struct ::stat s{};
  if (removed_.exchange(false) && !path_.empty() && ::lstat(path_.c_str(), &s) == 0 && s.st_dev == device_ &&
      s.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace gossamer::inline v0::net
