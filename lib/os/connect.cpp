// connect: what becomes of a command's readers, writers and files, as its program gets them. See started.hpp.
#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>

#include "gossamer/io.hpp"
#include "os/file_core.hpp"
#include "os/started.hpp"

namespace gossamer::inline v0::os {

// This process's end parks fibers; the program's blocks.
std::pair<file, error> command::started::make_pipe(int which, const char* name) {
  assert(!has_pipe(which));
  int numbers[2];
  if (::pipe2(numbers, O_CLOEXEC) != 0) {
    return {nullptr, syscall_error("pipe2", errno)};
  }
  const int ours = which == 0 ? numbers[1] : numbers[0];
  lent_[index(which)].lend(which == 0 ? numbers[0] : numbers[1], true);
  ::fcntl(ours, F_SETFL, O_NONBLOCK);
  net::trouble t;
  file f = watched_file(name, ours, t);
  if (t) {
    return {nullptr, syscall_error(t.call, t.code)};
  }
  own_[index(which)] = f;
  return {std::move(f), nullptr};
}

error command::started::open_null(int which) {
  const int n = ::open("/dev/null", (which == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
  if (n < 0) {
    return path_error("open", "/dev/null", system_error(errno));
  }
  lent_[index(which)].lend(n, true);
  return nullptr;
}

error command::started::open_source(file_core& from) {
  net::trouble t;
  const int n = from.share(0, t);
  if (!t) {
    source_ = shared_file(from.name(), n, t);
  }
  return from.fail("dup", t);
}

// Finds what becomes the program's `which`.
error command::started::connect(int which, const io::reader& from, const io::writer& to) {
  if (lent_[index(which)].number() >= 0) {
    return nullptr;  // a pipe that was asked for
  }
  if (which == 0 ? !from : !to) {
    return open_null(which);
  }
  const file* const f = which == 0 ? from.as<file>() : to.as<file>();
  file_core* const core = f != nullptr ? file_access::core(*f) : nullptr;
  if (core != nullptr && !core->is_watched()) {
    net::trouble t;
    const int n = core->lend(lowest_free_, t);
    if (t) {
      return core->fail("dup", t);
    }
    lent_[index(which)].lend(n, true);
    return nullptr;
  }
  if (core != nullptr && which == 0) {
    if (error failure = open_source(*core)) {
      return failure;
    }
  }
  return make_pipe(which, which == 0 ? "|stdin" : which == 1 ? "|stdout" : "|stderr").second;
}

error command::started::connect_extra(const std::vector<file>& files) {
  lent_too_ = std::vector<lent_number>(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    file_core* const core = file_access::core(files[i]);
    if (core == nullptr) {
      continue;
    }
    net::trouble t;
    const int n = core->lend(lowest_free_, t);
    if (t) {
      return core->fail("dup", t);
    }
    lent_too_[i].lend(n, true);
  }
  return nullptr;
}

// `copies`: those that a fiber has to copy.
error command::started::connect_all(const command& c, std::array<bool, 3>& copies) {
  lowest_free_ = 3 + static_cast<int>(c.extra_files.size());
  const bool both = c.out && c.out == c.err && !has_pipe(1) && !has_pipe(2);
  for (int i = 0; i < 3; ++i) {
    const bool asked_for = has_pipe(i);
    if (i == 2 && both) {
      lent_[2].lend(lent_[1].number(), false);
    } else if (error failure = connect(i, c.in, i == 1 ? c.out : c.err)) {
      return failure;
    }
    if (const int problem = lent_[index(i)].raise(lowest_free_)) {
      return syscall_error("fcntl", problem);
    }
    assert(lent_[index(i)].number() >= lowest_free_);
    copies[index(i)] = has_pipe(i) && !asked_for;
  }
  return connect_extra(c.extra_files);
}

}  // namespace gossamer::inline v0::os
