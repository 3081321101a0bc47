#include "http/client/persistent_conn.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "http/hijacked_conn.hpp"

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

// What lies there may be none of the server's words: over TLS it may be a ticket. The time is so short that it costs
// little, and what lies there already is read before it is over.
bool persistent_conn::answers_nothing() {
  using namespace std::chrono_literals;
  made.conn.set_read_deadline(time::now() + 100us);
  const gossamer::error err = in.fill(net::ending());
  made.conn.set_read_deadline(nullptr);
  return err && err.timeout();
}

bool persistent_conn::is_quiet() {
  if (!in.empty()) {
    return false;
  }
  const int socket = (made.tls != nullptr ? tls::net_conn(made.conn) : made.conn).native_handle();
  if (socket >= 0 && has_nothing(socket)) {
    return true;
  }
  // In the clear whatever lies there ends it.
  return (socket < 0 || made.tls != nullptr) && answers_nothing();
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

// Closing TLS says so first, for which it may have to wait.
void cut_now(const net::conn& c) {
  net::conn below = c;
  while (tls::is_tls(below)) {
    below = tls::net_conn(below);
  }
  static_cast<void>(below.close());
}

}  // namespace gossamer::inline v0::http
