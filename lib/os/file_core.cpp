// file_core: see file_core.hpp.
#include "os/file_core.hpp"

#include <unistd.h>

#include <cerrno>

#include "gossamer/runtime.hpp"

namespace gossamer::inline v0::os {

namespace {

int close_number(int number) noexcept {
  return runtime::blocking([number] { return ::close(number) == 0 ? 0 : errno; });
}

}  // namespace

file_core::~file_core() {
  // What is watched closes itself. relaxed: nobody else has a handle.
  if (kind_ == kind::blocking && (users_.load(std::memory_order_relaxed) & is_closed) == 0) {
    close_number(number_);
  }
}

net::trouble file_core::watch() noexcept {
  const net::trouble t = fd_.open(number_, true);
  kind_ = t ? kind_ : kind::watched;
  return t;
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

bool is_path(std::string_view path) noexcept { return path.find('\0') == path.npos; }

}  // namespace gossamer::inline v0::os
