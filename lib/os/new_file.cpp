// new_file: files of descriptors that are open already. See gossamer/os/file.hpp.
#include <fcntl.h>

#include <string>

#include "gossamer/net/conn.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

file new_file(int number, std::string_view name) {
  if (number < 0) {
    return nullptr;
  }
  const int flags = ::fcntl(number, F_GETFL);
  net::trouble refused;  // what the poller does not take never blocks
  const bool blocks = flags < 0 || (flags & O_NONBLOCK) == 0;
  file f = blocks ? file(new file_core(std::string(name), number)) : shared_file(std::string(name), number, refused);
  file_access::core(f)->note_flags(flags);
  return f;
}

// False for one that the poller watches: it may block.
bool file::with_number(void (*use)(void*, int), void* to) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr || f->is_watched()) {
    return false;
  }
  const using_file inside(*f);
  if (inside) {
    use(to, f->number());
  }
  return static_cast<bool>(inside);
}

// Source: Go's netFD.dup.
std::pair<file, error> file_of(const net::conn& c) {
  auto [number, err] = c.duplicate();
  if (err) {
    return {nullptr, std::move(err)};
  }
  const net::addr remote = c.remote_addr();
  std::string name = c.local_addr().network() + ":" + c.local_addr().text();
  return {new_file(number, remote ? name + "->" + remote.text() : name), nullptr};
}

std::pair<file, error> file_of(const net::listener& l) {
  auto [number, err] = l.duplicate();
  if (err) {
    return {nullptr, std::move(err)};
  }
  return {new_file(number, l.addr().network() + ":" + l.addr().text() + "->"), nullptr};
}

}  // namespace gossamer::inline v0::os
