// file_calls: the system calls on files, which block their thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <string_view>

#include "gossamer/os/file.hpp"
#include "gossamer/runtime.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

// Calls f(), a system call, on this thread until no signal interrupts it: its result, or the errno as a negative
// number, since errno does not survive a change of threads.
template <class F>
ssize_t call(F f) noexcept {
  return runtime::blocking([&]() -> ssize_t {
    for (;;) {
      const ssize_t n = f();
      if (n >= 0) {
        return n;
      }
      if (const int problem = net::own_errno(); problem != EINTR) {
        assert(problem > 0);
        return -problem;
      }
    }
  });
}

// What a call on the file comes to; `shut` where it is closed.
template <class F>
net::trouble use_for(file_core& f, const char* name, ssize_t& result, F attempt) {
  const using_file inside(f);
  if (!inside) {
    return {net::trouble::kind::shut};
  }
  result = call(attempt);
  return result >= 0 ? net::trouble() : net::trouble::of(name, static_cast<int>(-result));
}

file_info info_of(std::string_view path, const struct ::stat& s);

// Of what was opened just now with these flags, whose number it takes over: a pipe with a name is watched.
file opened_file(std::string name, int number, int flags);

// Of what call() returned; nil for a success.
inline error path_failure(const char* op, std::string_view path, ssize_t result) {
  return result >= 0 ? error() : error(path_error(op, std::string(path), system_error(static_cast<int>(-result))));
}

}  // namespace gossamer::inline v0::os
