#include "http/client/persistent_conn.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "http/hijacked_conn.hpp"
#include "http/memory_conn.hpp"

namespace gossamer::inline v0::http {

namespace {

// The kernel has neither bytes nor an end. Not inlined: errno's address is the thread's, and must not be remembered
// over a park.
[[gnu::noinline]] bool has_nothing(int socket) noexcept {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

bool persistent_conn::answers_nothing(time::duration wait) {
  if (made.conn.set_read_deadline(time::now() + wait)) {
    return false;
  }
  const gossamer::error err = in.fill(net::ending());
  made.conn.set_read_deadline(nullptr);
  return err && err.timeout();
}

std::optional<bool> persistent_conn::has_input() const {
  net::conn c = made.conn;
  for (; tls::is_tls(c); c = tls::net_conn(c)) {
    if (tls::has_input(c)) {
      return true;
    }
  }
  const int socket = c.native_handle();
  return socket >= 0 ? std::optional(!has_nothing(socket)) : test::memory_has_input(c);
}

// In the clear whatever lies there ends it. Over TLS it may be none of the server's words but a ticket, which a read
// takes away. A read looks at its deadline before anything else: where that passes before the read has begun it says
// nothing of what lies there, and the next one gets more time. In the end it is no loss to make a new connection.
bool persistent_conn::is_quiet() {
  using namespace std::chrono_literals;
  if (!in.empty()) {
    return false;
  }
  time::duration wait = 100us;
  for (int tries = 0; tries < 6; tries++, wait *= 2) {
    const std::optional<bool> has = has_input();
    if (has && (!*has || !tls::is_tls(made.conn))) {
      return !*has;
    }
    const time::time_point late = time::now() + 4 * wait;
    if (!answers_nothing(wait)) {
      return false;
    }
    if (!has && time::now() < late) {
      return true;
    }
  }
  return false;
}

void persistent_conn::settle() {
  constexpr std::size_t kept_bytes = 4096;
  in.settle();
  if (buffer.capacity() > kept_bytes) {
    buffer = std::string();
  }
}

persistent_conn::~persistent_conn() {
  if (!released_) {
    static_cast<void>(made.conn.close());
  }
}

net::conn persistent_conn::release() {
  released_ = true;
  if (in.empty()) {
    return made.conn;
  }
  return net::make_conn<hijacked_conn>(made.conn, std::string(in.unread()));
}

}  // namespace gossamer::inline v0::http
