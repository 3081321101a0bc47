// net_pair: two ends of a connection over loopback or a unix socket, and what tests do with them.
#pragma once

#include <gossamer/net.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"

namespace support {

// A listener that lets go of its place when it goes; fails the test if it cannot be had.
struct bound_listener {
  gossamer::net::listener l;

  explicit bound_listener(std::string_view network = "tcp", std::string_view address = "127.0.0.1:0") {
    gossamer::error err;
    std::tie(l, err) = gossamer::net::listen(network, address);
    CHECK(err == gossamer::nil);
  }
  bound_listener(const bound_listener&) = delete;
  bound_listener& operator=(const bound_listener&) = delete;
  ~bound_listener() { l.close(); }

  std::string place() const { return l.addr().text(); }
};

inline bool has_ipv6() {
  static const bool has = [] {
    auto [l, err] = gossamer::net::listen("tcp6", "[::1]:0");
    l.close();
    return !err;
  }();
  return has;
}

struct net_pair {
  gossamer::net::conn a;  // has dialed
  gossamer::net::conn b;  // was accepted

  explicit net_pair(std::string_view network = "tcp", std::string_view address = "127.0.0.1:0") {
    const bound_listener place(network, address);
    gossamer::error err;
    std::tie(a, err) = gossamer::net::dial(network, place.place());
    CHECK(err == gossamer::nil);
    std::tie(b, err) = place.l.accept();
    CHECK(err == gossamer::nil);
  }
  net_pair(const net_pair&) = delete;
  net_pair& operator=(const net_pair&) = delete;
  ~net_pair() {
    a.close();
    b.close();
  }
};

// `OP tcp LOCAL->REMOTE: WHY`
inline std::string error_of(const char* op, const gossamer::net::conn& c, std::string_view why) {
  return std::string(op) + " " + c.local_addr().network() + " " + c.local_addr().text() + "->" +
         c.remote_addr().text() + ": " + std::string(why);
}

// All until the end of the stream; the error if there is another.
inline std::pair<std::string, gossamer::error> read_all(const gossamer::net::conn& c) {
  std::string all;
  char buf[4096];
  for (;;) {
    auto [n, err] = c.read(buf);
    all.append(buf, n);
    if (err) {
      return {std::move(all), err == gossamer::io::eof ? gossamer::error() : err};
    }
  }
}

// n bytes, unless the stream ends before.
inline std::string read_n(const gossamer::net::conn& c, std::size_t n) {
  std::string all(n, '\0');
  std::size_t got = 0;
  while (got < n) {
    auto [m, err] = c.read(std::span(all).subspan(got));
    got += m;
    if (err) {
      break;
    }
  }
  all.resize(got);
  return all;
}

// Bytes that tell where they stand.
inline std::string pattern(std::size_t n, unsigned seed = 1) {
  std::string s(n, '\0');
  for (char& c : s) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return s;
}

// Answers with what it reads, for every connection, until the listener is closed.
inline void serve_echo(const gossamer::net::listener& l) {
  crew serving;
  for (;;) {
    auto [c, err] = l.accept();
    if (err) {
      break;
    }
    serving.go([own = c] {
      char buf[4096];
      for (;;) {
        auto [n, read_err] = own.read(buf);
        if (read_err || own.write(std::span(buf).first(n)).second) {
          break;
        }
      }
      own.close();
    });
  }
}

}  // namespace support
