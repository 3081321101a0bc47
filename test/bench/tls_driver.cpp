// tls_driver: the client of the benchmarks of TLS, by OpenSSL, one thread and one epoll set; see driver.hpp.
//
// MODE   hello    each connection asks for GET / by HTTP, reads the answer, and asks again
//        shake    each connection shakes hands, says that it is the end, and is made anew when the server has closed it
//
// TLS 1.3 with X25519; no session is resumed, nobody is verified.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <string>
#include <string_view>
#include <vector>

#include "driver.hpp"

namespace {

using namespace driver;

constexpr std::string_view request =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: tls_driver\r\nAccept: */*\r\n\r\n";

SSL_CTX* make_context() {
  SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set1_groups_list(c, "X25519") != 1 || SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256") != 1) {
    die("SSL_CTX");
  }
  return c;
}

enum class phase { shakes, asks, ends };

struct peer {
  int fd = -1;
  SSL* ssl = nullptr;
  phase at = phase::shakes;
  std::string got;
  clock::time_point sent;
};

class peers {
 public:
  void run() {
    std::vector<peer> all(static_cast<std::size_t>(set.connections));
    for (peer& p : all) {
      open(p);
    }
    epoll_event events[512];
    while (record_.goes_on()) {
      const int n = ::epoll_wait(set_, events, 512, 50);
      for (int i = 0; i < n; ++i) {
        step(*static_cast<peer*>(events[i].data.ptr));
      }
    }
    record_.print_requests();
  }

 private:
  void open(peer& p) {
    p.fd = connect_to(next_++, 0);
    const linger at_once{1, 0};  // no TIME_WAIT: ports would run out
    ::setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::fcntl(p.fd, F_SETFL, O_NONBLOCK);
    p.ssl = SSL_new(context_);
    SSL_set_fd(p.ssl, p.fd);
    SSL_set_connect_state(p.ssl);
    p.at = phase::shakes;
    p.sent = clock::now();
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.ptr = &p;
    ::epoll_ctl(set_, EPOLL_CTL_ADD, p.fd, &e);
    shake(p);
  }

  void step(peer& p) {
    if (p.at == phase::shakes) {
      shake(p);
    } else if (p.at == phase::asks) {
      receive(p);
    } else {
      await_end(p);
    }
  }

  static void check(const peer& p, int result) {
    if (SSL_get_error(p.ssl, result) != SSL_ERROR_WANT_READ) {
      ERR_print_errors_fp(stderr);
      die("TLS");
    }
  }

  void shake(peer& p) {
    if (const int r = SSL_do_handshake(p.ssl); r != 1) {
      check(p, r);
      return;
    }
    if (set.mode == "hello") {
      ask(p);
      return;
    }
    SSL_shutdown(p.ssl);
    p.at = phase::ends;
  }

  static void ask(peer& p) {
    p.at = phase::asks;
    p.got.clear();
    p.sent = clock::now();
    if (SSL_write(p.ssl, request.data(), static_cast<int>(request.size())) <= 0) {
      die("write");
    }
  }

  void receive(peer& p) {
    char room[4096];
    for (;;) {
      const int n = SSL_read(p.ssl, room, sizeof room);
      if (n <= 0) {
        check(p, n);
        return;
      }
      p.got.append(room, static_cast<std::size_t>(n));
      if (p.got.ends_with("world!\n")) {
        record_.answered(p.sent);
        ask(p);
      }
    }
  }

  // What the server says last, and then that it has closed.
  void await_end(peer& p) {
    char room[4096];
    ssize_t n = 0;
    while ((n = ::read(p.fd, room, sizeof room)) > 0) {
    }
    if (n < 0 && errno == EAGAIN) {
      return;
    }
    record_.answered(p.sent);
    SSL_free(p.ssl);
    ::close(p.fd);
    open(p);
  }

  SSL_CTX* const context_ = make_context();
  const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
  unsigned next_ = 0;
  record record_;
};

}  // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  prepare_process();
  if (set.mode != "hello" && set.mode != "shake") {
    refuse();
  }
  peers().run();
}
