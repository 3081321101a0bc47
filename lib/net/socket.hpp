// socket: an fd with its network and addresses, which its errors name; and how one is made.
#pragma once

#include <sys/types.h>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "gossamer/net/conn.hpp"
#include "net/fd.hpp"
#include "net/sockaddr.hpp"

namespace gossamer::inline v0::net {

// What a waiting call needs to know beside its work.
struct limits {
  const ending& end;
  detail::deadline until;
  std::source_location where;
};

// A system call's result is its own, or the errno as a negative number: errno itself does not survive a park.
inline ssize_t result_of(ssize_t r) noexcept { return r >= 0 ? r : -errno; }

// Source: Go's limit: some systems fail above it.
inline constexpr std::size_t most_at_once = std::size_t{1} << 30;

// A number that nobody owns yet.
class raw_socket {
 public:
  // A socket that does not block, or a trouble.
  trouble make(int family, int type) noexcept;
  raw_socket() noexcept = default;
  raw_socket(int number, int family) noexcept : number_(number), family_(family) {}
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;
  ~raw_socket();

  int number() const noexcept { return number_; }
  int family() const noexcept { return family_; }
  void given_away() noexcept { number_ = -1; }
  trouble set(int level, int name, int value) noexcept;
  trouble bind(const addr& to) noexcept;

 private:
  int number_ = -1;
  int family_ = 0;
};

// As conn::set_keep_alive and its period, for a new socket: < 0: none, 0: 15 s.
void keep_alive(int number, std::chrono::nanoseconds period) noexcept;
addr local_addr_of(int number, const network& net);

class socket {
 public:
  explicit socket(const network& net) noexcept : net_(net) {}

  net::fd& fd() noexcept { return fd_; }
  const network& net() const noexcept { return net_; }
  const addr& local() const noexcept { return local_; }
  const addr& remote() const noexcept { return remote_; }

  // AF_INET, AF_INET6 or AF_UNIX.
  int family() const noexcept { return family_; }

  // Takes over the number. The addresses are set before anybody else knows the socket.
  trouble open(raw_socket& from) noexcept;
  void set_addresses(addr local, addr remote) noexcept {
    local_ = std::move(local);
    remote_ = std::move(remote);
  }

  // Calls attempt(), which returns as result_of(), until it neither would block nor was interrupted. -1 and a trouble
  // otherwise. `shorter`: less than that exhausts a stream.
  template <class Attempt>
  ssize_t perform(operation& op, trouble& t, const char* call, std::size_t shorter, Attempt attempt) {
    for (t = op.begin(); !t; t = op.again()) {
      ssize_t n = 0;
      do {
        n = attempt();
      } while (n == -EINTR);
      if (n != -EAGAIN) {
        op.done(fd_.is_stream() && n > 0 && static_cast<std::size_t>(n) < shorter);
        if (n >= 0) {
          return n;
        }
        t = trouble::of(call, static_cast<int>(-n));
        return -1;
      }
    }
    return -1;
  }

  // nil for none; io::eof as it is.
  error fail(const char* op, const trouble& t, const ending& end) const;
  // What concerns the local end only.
  error fail_here(const char* op, const trouble& t) const;

  error close();
  error shut_down(const char* op, int how);
  error set_deadline(direction which, time_point when);
  error set(option which, std::int64_t value);
  int native_handle() const;

 private:
  const network& net_;
  net::fd fd_;
  // Fixed once it is open.
  int family_ = 0;
  addr local_;
  addr remote_;
};

}  // namespace gossamer::inline v0::net
