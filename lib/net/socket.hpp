// socket: an fd with its network and addresses, which its errors name; and how one is made.
#pragma once

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

// A number that nobody owns yet.
class raw_socket {
 public:
  // A socket that does not block, or a trouble.
  trouble make(int family, int type) noexcept;
  // A duplicate of somebody's socket, close-on-exec, or a trouble. It may block yet.
  trouble duplicate(int number) noexcept;
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

addr local_addr_of(int number, const network& net);
addr peer_addr_of(int number, const network& net);

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

  // nil for none; io::eof as it is.
  error fail(const char* op, const trouble& t, const ending& end) const;
  // Of a write to somebody; `to`: none, the peer.
  error fail_to(const addr& to, error err) const;
  // What concerns the local end only.
  error fail_here(const char* op, const trouble& t) const;

  error close();
  error shut_down(const char* op, int how);
  error set_deadline(direction which, time_point when);
  error set(option which, std::int64_t value);
  int native_handle() const;
  std::pair<int, error> duplicate() const;
  msg_read read_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end,
                    std::source_location where);

 private:
  const network& net_;
  net::fd fd_;
  // Fixed once it is open.
  int family_ = 0;
  addr local_;
  addr remote_;
};

// What streams and datagrams leave to their socket.
template <class Interface>
class over_socket : public Interface {
 public:
  explicit over_socket(const network& net) noexcept : socket_(net) {}

  net::socket& socket() noexcept { return socket_; }

  error set_deadline(direction which, time_point when) override { return socket_.set_deadline(which, when); }
  addr local_addr() const override { return socket_.local(); }
  addr remote_addr() const override { return socket_.remote(); }
  error set(option which, std::int64_t value) override { return socket_.set(which, value); }
  int native_handle() const override { return socket_.native_handle(); }
  int release() override { return socket_.fd().release(); }
  std::pair<int, error> duplicate() const override { return socket_.duplicate(); }
  msg_read read_msg(std::span<std::byte> to, std::span<std::byte> control, const ending& end,
                    std::source_location where) override {
    return socket_.read_msg(to, control, end, where);
  }

 protected:
  net::socket socket_;
};

}  // namespace gossamer::inline v0::net
