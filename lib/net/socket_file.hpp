// socket_file: the file that a unix socket was bound to. It goes with the socket, if the path still leads to it:
// another may have taken the path over meanwhile, as the next process of a restart without a gap does. Source: Go's
// UnixListener, which unlinks whatever is there.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>

#include "gossamer/net/addr.hpp"

namespace gossamer::inline v0::net {

class socket_file {
 public:
  socket_file() noexcept = default;
  // The socket has just been bound to the address. One without a file (abstract, or not of unix) has nothing to remove.
  explicit socket_file(const addr& bound);

  // Whether remove() does anything. From anywhere.
  void set_removed(bool yes) noexcept { removed_.store(yes); }
  // Once, and while the socket is open: until then no other file can have its inode number.
  void remove() noexcept;

 private:
  std::string path_;  // empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::atomic<bool> removed_{true};
};

}  // namespace gossamer::inline v0::net
