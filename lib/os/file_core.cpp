// file_core: see file_core.hpp.
#include "os/file_core.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdio>

#include "gossamer/runtime.hpp"

namespace gossamer::inline v0::os {

namespace {

int close_number(int number) noexcept {
  return runtime::blocking([number] { return ::close(number) == 0 ? 0 : errno; });
}

// Of a pipe. -1 for what is none, which would not be the same file, and where there is no /proc.
int blocking_handle(int number) noexcept {
  struct ::stat s{};
  if (::fstat(number, &s) != 0 || !S_ISFIFO(s.st_mode)) {
    return -1;
  }
  const int flags = ::fcntl(number, F_GETFL);
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", number);
  // O_NONBLOCK: it waits for no other end.
  const int n = ::open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (n >= 0) {
    ::fcntl(n, F_SETFL, flags & ~O_NONBLOCK);
  }
  return n;
}

// A number of the same open file, `lowest` at least.
int copy_of(int number, int lowest, net::trouble& t) noexcept {
  const int n = ::fcntl(number, F_DUPFD_CLOEXEC, lowest);
  if (n < 0) {
    // EINVAL: above what the process may have.
    t = net::trouble::of("dup", errno == EINVAL ? EMFILE : errno);
  }
  return n;
}

}  // namespace

file_core::~file_core() {
  // What is watched closes itself. relaxed: nobody else has a handle.
  if (kind_ == kind::blocking && (users_.load(std::memory_order_relaxed) & is_closed) == 0) {
    close_number(number_);
  }
}

net::trouble file_core::watch() noexcept {
  assert(kind_ == kind::blocking && users_.load(std::memory_order_relaxed) == 0);  // relaxed: nobody else has a handle
  const net::trouble t = fd_.open(number_, true);
  kind_ = t ? kind_ : kind::watched;
  return t;
}

int file_core::share(int lowest, net::trouble& t) {
  const using_file inside(*this);
  if (!inside) {
    t = {net::trouble::kind::shut};
    return -1;
  }
  if (is_watched()) {
    fd_.leaves_set_first();
  }
  return copy_of(number(), lowest, t);
}

int file_core::lend(int lowest, net::trouble& t) {
  const using_file inside(*this);
  const int apart = inside && is_watched() ? blocking_handle(number()) : -1;
  if (apart < 0) {
    return share(lowest, t);
  }
  if (apart >= lowest) {
    return apart;
  }
  const int n = copy_of(apart, lowest, t);
  ::close(apart);
  return n;
}

bool file_core::use() noexcept {
  if (is_watched()) {
    return fd_.use();
  }
  // relaxed: the kernel orders what is done to the file. acquire: pairs with the release of who closed it.
  std::uint32_t now = users_.load(std::memory_order_relaxed);
  while ((now & is_closed) == 0) {
    if (users_.compare_exchange_weak(now, now + one_user, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void file_core::leave() noexcept {
  if (is_watched()) {
    fd_.leave();
    return;
  }
  assert(users_.load(std::memory_order_relaxed) >= one_user);  // relaxed: the caller is one
  // acq_rel: what all users have done comes before the close of the last.
  if (users_.fetch_sub(one_user, std::memory_order_acq_rel) == (one_user | is_closed) && kind_ != kind::foreign) {
    close_number(number_);
  }
}

net::trouble file_core::close() {
  if (is_watched()) {
    return fd_.close();
  }
  // acq_rel: as in leave().
  const std::uint32_t before = users_.fetch_or(is_closed, std::memory_order_acq_rel);
  if ((before & is_closed) != 0) {
    return {net::trouble::kind::shut};
  }
  if (before != 0 || kind_ == kind::foreign) {
    return {};
  }
  const int problem = close_number(number_);
  return problem == 0 ? net::trouble() : net::trouble::of("close", problem);
}

error file_core::fail(const char* op, const net::trouble& t, const net::ending& end) const {
  switch (t.why) {
    case net::trouble::kind::none:
      return nullptr;
    case net::trouble::kind::at_end:
      return io::eof;
    case net::trouble::kind::shut:
      return path_error(op, name_, closed);
    case net::trouble::kind::refused:
      return fail(op, t.code);
    default:
      return path_error(op, name_, t.err(end));
  }
}

error file_core::fail(const char* op, int code) const {
  return code == 0 ? error() : error(path_error(op, name_, system_error(code)));
}

file watched_file(std::string name, int number, net::trouble& t) {
  auto* const core = new file_core(std::move(name), number);
  file f(core);
  t = core->watch();
  return f;
}

file shared_file(std::string name, int number, net::trouble& t) {
  file f = watched_file(std::move(name), number, t);
  if (!t) {
    file_access::core(f)->fd().leaves_set_first();
  }
  return f;
}

bool is_path(std::string_view path) noexcept { return path.find('\0') == path.npos; }

}  // namespace gossamer::inline v0::os
