// foreign_pair: descriptors of which the library knows nothing, as a C library has them, and what tests do with them.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/io.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "fiber_test.hpp"

namespace support {

// A pipe, or a pair of sockets, as a C library has it; the library knows nothing of it.
struct foreign_pair {
  int a = -1;
  int b = -1;
  enum class sort { plain, sockets };
  explicit foreign_pair(sort s = sort::plain) {
    int both[2];
    const int failed = s == sort::plain ? ::pipe2(both, O_NONBLOCK | O_CLOEXEC)
                                        : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both);
    CHECK(failed == 0);
    a = both[0];
    b = both[1];
  }
  foreign_pair(const foreign_pair&) = delete;
  foreign_pair& operator=(const foreign_pair&) = delete;
  ~foreign_pair() {
    close_a();
    close_b();
  }
  void close_a() { close_one(a); }
  void close_b() { close_one(b); }

 private:
  static void close_one(int& fd) {
    if (fd >= 0) {
      ::close(fd);
      fd = -1;
    }
  }
};

inline void put(int fd, char c = 'x') { CHECK(::write(fd, &c, 1) == 1); }
// The next byte; -1 if there is none.
inline int take(int fd) {
  char c = 0;
  return ::read(fd, &c, 1) == 1 ? c : -1;
}
inline void fill(int fd) {
  const std::string much(1 << 16, 'x');
  while (::write(fd, much.data(), much.size()) > 0) {
  }
}
inline void empty(int fd) {
  std::string much(1 << 16, '\0');
  while (::read(fd, much.data(), much.size()) > 0) {
  }
}
inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

// Whether the portable poller is in use.
inline bool polls_by_asio() {
  const char* const knob = std::getenv("GOSSAMER");
  return knob != nullptr && std::string_view(knob).find("poller=asio") != std::string_view::npos;
}

inline bool is_bad_descriptor(const gossamer::error& err) {
  return err && err.text() == "poll: bad file descriptor" && gossamer::errors::is(err, std::errc::bad_file_descriptor);
}

inline constexpr gossamer::io::interest to_read{.readable = true};
inline constexpr gossamer::io::interest to_write{.writable = true};
inline constexpr gossamer::io::interest to_do_both{.readable = true, .writable = true};
inline constexpr auto a_pipe = foreign_pair::sort::plain;
inline constexpr auto sockets = foreign_pair::sort::sockets;

}  // namespace support
