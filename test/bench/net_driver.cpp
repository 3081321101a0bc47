// net_driver: the client of the network benchmarks, one thread and one epoll set, which measures the server from
// outside: what its threads' CPU time is per request, and how long requests take.
//
//   net_driver MODE [-p PORT] [-c CONNECTIONS] [-s BYTES] [-t SECONDS] [-P SERVER_PID] [-k CORE] [-d DEPTH]
//
// MODE   pp       each connection sends BYTES, waits for their echo, and sends again
//        udp      as pp, by datagrams
//        accept   as pp, but each request has a connection of its own
//        idle     each connection makes one request; then the server's memory and CPU are looked at
//        hello    as pp, by HTTP: GET /; json POST /json, a kilobyte; file GET /file; kilobyte
//                 GET /1k. DEPTH requests are sent at once
//        http-idle  as idle, by HTTP
//        ws       as pp, by WebSocket, in messages of 64 bytes; ws-idle  as idle, by them
//        sink     one connection sends as fast as it can;  source   one receives
// Prints one line of KEY=VALUE.
#include <sys/epoll.h>

#include <string>
#include <string_view>
#include <vector>

#include "driver.hpp"

namespace {

using namespace driver;

struct connection {
  int fd = -1;
  std::size_t got = 0;
  bool shakes_hands = false;  // of WebSocket
  clock::time_point sent;
};

std::vector<char> data(std::size_t{1} << 20, 'x');
std::string request;  // empty: `bytes` of anything

void send_request(connection& c) {
  c.got = 0;
  c.sent = clock::now();
  const std::size_t size = request.empty() ? set.bytes : request.size();
  if (::write(c.fd, request.empty() ? data.data() : request.data(), size) != static_cast<ssize_t>(size)) {
    die("write");
  }
}

// Some 1,100 bytes: a list of objects.
std::string json_body() {
  std::string text = "[";
  for (int i = 0; i < 12; ++i) {
    text += (i > 0 ? "," : "") + std::string("{\"id\":") + std::to_string(1000 + i) +
            ",\"name\":\"somebody else\",\"tags\":[\"one\",\"two\"],\"score\":0.5,\"active\":true}";
  }
  return text + "]";
}

// How long the answer to one request is, head and body: each time the same.
std::size_t length_of_answer() {
  const int fd = connect_to(0, 0);
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    die("write");
  }
  std::string answer;
  for (;;) {
    const ssize_t n = ::read(fd, data.data(), data.size());
    if (n <= 0) {
      die("read");
    }
    answer.append(data.data(), static_cast<std::size_t>(n));
    const std::size_t end = answer.find("\r\n\r\n");
    const std::size_t length = answer.find("Content-Length: ");
    if (end == std::string::npos) {
      continue;
    }
    if (!answer.starts_with("HTTP/1.1 200 ") || length > end) {
      std::fprintf(stderr, "the server said: %s\n", answer.substr(0, end).c_str());
      std::exit(2);
    }
    const std::size_t all = end + 4 + std::strtoul(answer.c_str() + length + 16, nullptr, 10);
    if (answer.size() >= all) {
      ::close(fd);
      return all;
    }
  }
}

void prepare_http(std::string_view kind) {
  const std::string fields = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: net_driver\r\nAccept: */*\r\n";
  const std::string body = json_body();
  if (kind == "json") {
    request = "POST /json" + fields +
              "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  } else {
    request = (kind == "file" ? "GET /file" : kind == "kilobyte" ? "GET /1k" : "GET /") + fields + "\r\n";
  }
  set.bytes = length_of_answer() * static_cast<std::size_t>(set.depth);
  const std::string one = request;
  for (int i = 1; i < set.depth; ++i) {
    request += one;
  }
}

// A message of 64 bytes, masked by zeros; it comes back without its mask.
void prepare_ws() {
  constexpr std::size_t payload = 64;
  request = std::string("\x82\xc0\0\0\0\0", 6) + std::string(payload, 'x');
  set.bytes = 2 + payload;
}

void begin_handshake_of_ws(int fd) {
  constexpr std::string_view ask =
      "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
      "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  if (::write(fd, ask.data(), ask.size()) != static_cast<ssize_t>(ask.size())) {
    die("write");
  }
}

// The answer comes as one piece; behind it nothing comes that was not asked for.
void end_handshake_of_ws(connection& c) {
  const ssize_t n = ::recv(c.fd, data.data(), data.size(), MSG_DONTWAIT);
  const std::string_view head(data.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (!head.starts_with("HTTP/1.1 101 ") || !head.ends_with("\r\n\r\n")) {
    std::fprintf(stderr, "the server said: %.200s\n", std::string(head).c_str());
    std::exit(2);
  }
  c.shakes_hands = false;
  send_request(c);
}

// True when the whole answer is there.
bool receive(connection& c) {
  if (c.shakes_hands) {
    end_handshake_of_ws(c);
    return false;
  }
  const ssize_t n = ::recv(c.fd, data.data(), set.bytes - c.got, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) {
    return false;
  }
  if (n <= 0) {
    die(n == 0 ? "the server closed a connection" : "read");
  }
  c.got += static_cast<std::size_t>(n);
  return c.got == set.bytes;
}

class requests {
 public:
  requests() : all_(static_cast<std::size_t>(set.connections)) {}

  void open_all() {
    for (connection& c : all_) {
      open(c, false);
    }
  }

  // Until `answered`, called for each, returns false; it is asked 20 times a second in any case.
  template <class Answered>
  void serve(Answered answered) {
    epoll_event events[512];
    for (;;) {
      const int n = ::epoll_wait(set_, events, 512, 50);
      for (int i = 0; i < n; ++i) {
        auto& c = *static_cast<connection*>(events[i].data.ptr);
        if (receive(c) && !answered(&c)) {
          return;
        }
      }
      if (!answered(nullptr)) {
        return;
      }
    }
  }

  void open(connection& c, bool resets) {
    c.fd = connect_to(next_++, 0);
    if (resets) {
      const linger at_once{1, 0};  // no TIME_WAIT: ports would run out
      ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.ptr = &c;
    ::epoll_ctl(set_, EPOLL_CTL_ADD, c.fd, &e);
    c.shakes_hands = set.mode.starts_with("ws");
    c.shakes_hands ? begin_handshake_of_ws(c.fd) : send_request(c);
  }

 private:
  const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<connection> all_;
  unsigned next_ = 0;

  friend void accept_mode();
};

void ping_pong() {
  requests all;
  all.open_all();
  record r;
  all.serve([&](connection* c) {
    if (c != nullptr) {
      r.answered(c->sent);
      send_request(*c);
    }
    return r.goes_on();
  });
  r.print_requests();
}

void accept_mode() {
  requests all;
  for (connection& c : all.all_) {
    all.open(c, true);
  }
  record r;
  all.serve([&](connection* c) {
    if (c != nullptr) {
      r.answered(c->sent);
      ::close(c->fd);
      all.open(*c, true);
    }
    return r.goes_on();
  });
  r.print_requests();
}

void idle() {
  const usage before = of_server();
  requests all;
  all.open_all();
  int answered = 0;
  all.serve([&](const connection* c) {
    answered += c != nullptr ? 1 : 0;
    return answered < set.connections;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const usage held = of_server();
  std::this_thread::sleep_for(duration<double>(set.seconds));
  const usage later = of_server();
  std::printf("connection_bytes=%.1f idle_cpu_pct=%.4f\n",
              (held.resident_bytes - before.resident_bytes) / set.connections,
              (later.cpu_ns - held.cpu_ns) / 1e7 / set.seconds);
}

void bulk(bool sends) {
  const int fd = connect_to(0, 0);
  constexpr std::size_t piece = 65536;
  for (record r; r.goes_on();) {
    const ssize_t n = sends ? ::write(fd, data.data(), piece) : ::read(fd, data.data(), piece);
    if (n <= 0) {
      die("bulk");
    }
    r.moved(static_cast<std::size_t>(n));
    if (!r.goes_on()) {
      r.print_bytes();
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  set.bytes = std::min(set.bytes, data.size());
  prepare_process();
  if (set.mode == "pp" || set.mode == "udp") {
    ping_pong();
  } else if (set.mode == "accept") {
    accept_mode();
  } else if (set.mode == "hello" || set.mode == "json" || set.mode == "file" || set.mode == "kilobyte") {
    prepare_http(set.mode);
    ping_pong();
  } else if (set.mode == "ws" || set.mode == "ws-idle") {
    prepare_ws();
    set.mode == "ws" ? ping_pong() : idle();
  } else if (set.mode == "idle") {
    idle();
  } else if (set.mode == "http-idle") {
    prepare_http("hello");
    idle();
  } else if (set.mode == "sink" || set.mode == "source") {
    bulk(set.mode == "sink");
  } else {
    refuse();
  }
}
