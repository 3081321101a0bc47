// wait: see gossamer/io/wait.hpp.
#include "gossamer/io/wait.hpp"

#include <poll.h>

#include <cassert>

#include "net/foreign.hpp"

namespace gossamer::inline v0::io {

std::pair<readiness, error> wait_ready(int fd, interest in, const net::ending& end, std::source_location where) {
  short got = 0;
  const int events = (in.readable ? POLLIN : 0) | (in.writable ? POLLOUT : 0);
  if (const net::trouble t = net::await_foreign(fd, static_cast<short>(events), got, end, where)) {
    return {{}, t.err(end)};
  }
  assert(got != 0);
  readiness r;
  r.failed = (got & (POLLERR | POLLHUP)) != 0;
  r.readable = in.readable && (r.failed || (got & POLLIN) != 0);
  r.writable = in.writable && (r.failed || (got & POLLOUT) != 0);
  return {r, nullptr};
}

error wait_readable(int fd, const net::ending& end, std::source_location where) {
  return wait_ready(fd, {.readable = true}, end, where).second;
}

error wait_writable(int fd, const net::ending& end, std::source_location where) {
  return wait_ready(fd, {.writable = true}, end, where).second;
}

}  // namespace gossamer::inline v0::io
