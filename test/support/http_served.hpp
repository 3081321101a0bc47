// http_served: a server of the test's own on loopback, and raw clients of it.
#pragma once

#include <gossamer/context.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "net_pair.hpp"

namespace support {

// Serves until it goes; then no connection is left. What it logs is kept.
class served {
 public:
  explicit served(gossamer::http::handler h) {
    srv.handler = std::move(h);
    srv.error_log = [this](std::string_view line) {
      const std::lock_guard hold(lock_);
      log_ += std::string(line) + '\n';
    };
  }
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { stop(); }

  // The fields of srv are set before.
  void start() {
    fiber_.go([this] { CHECK(srv.serve(place_.l) == gossamer::http::server_closed); });
  }
  void stop() {
    auto [ctx, cancel] = gossamer::context::with_timeout(gossamer::context::background(), patience);
    CHECK(srv.shutdown(ctx) == gossamer::nil);
    cancel();
    fiber_.join();
  }
  std::string place() const { return place_.place(); }
  std::string log() {
    const std::lock_guard hold(lock_);
    return log_;
  }
  gossamer::net::conn dial() const {
    auto [c, err] = gossamer::net::dial("tcp", place());
    CHECK(err == gossamer::nil);
    return c;
  }

  gossamer::http::server srv;

 private:
  bound_listener place_;
  std::string log_;
  gossamer::sync::mutex lock_;
  crew fiber_;
};

// All that comes until the connection ends, or none comes for so long.
inline std::string read_to_end(const gossamer::net::conn& c) {
  c.set_read_deadline(std::chrono::steady_clock::now() + patience);
  std::string text = gossamer::io::read_all(c).first;
  return text;
}

// What comes until it ends so; less where the connection ends, or none comes for so long.
inline std::string read_until(const gossamer::net::conn& c, std::string_view end) {
  c.set_read_deadline(std::chrono::steady_clock::now() + patience);
  std::string got;
  while (!got.ends_with(end)) {
    char piece[4096];
    const auto [n, err] = c.read(piece);
    CHECK(err == gossamer::nil);
    if (err) {
      break;
    }
    got.append(piece, n);
  }
  return got;
}

// What the server sends to who has sent this; `Connection: close`, or whatever ends the connection, is up to the
// caller.
inline std::string ask(const served& s, std::string_view text) {
  const gossamer::net::conn c = s.dial();
  static_cast<void>(c.write(text));
  std::string answer = read_to_end(c);
  c.close();
  return answer;
}

// Without its Date, which is another each time.
inline std::string without_date(std::string answer) {
  for (std::size_t at = 0; (at = answer.find("Date: ", at)) != std::string::npos;) {
    answer.erase(at, answer.find("\r\n", at) + 2 - at);
  }
  return answer;
}

// One field's value of an answer's head; empty where there is none.
inline std::string_view field_of(std::string_view head, std::string_view name) {
  const std::string begin = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(begin);
  if (at == std::string_view::npos) {
    return {};
  }
  head.remove_prefix(at + begin.size());
  return head.substr(0, head.find('\r'));
}

// What a client reads: one answer after the other.
class http_answers {
 public:
  explicit http_answers(gossamer::net::conn from) : from_(std::move(from)) {}
  const gossamer::net::conn& connection() const { return from_; }

  // The next one. False where the connection ends, or has said something else, before it is whole.
  bool next(bool has_body = true) {
    head.clear();
    body.clear();
    std::size_t end = std::string::npos;
    while ((end = ahead_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) {
        return false;
      }
    }
    head = take(end + 4);
    if (!head.starts_with("HTTP/1.")) {
      return false;
    }
    if (!has_body) {
      return true;
    }
    if (field_of(head, "Transfer-Encoding") == "chunked") {
      return next_chunks();
    }
    return next_bytes(std::strtoul(std::string(field_of(head, "Content-Length")).c_str(), nullptr, 10));
  }
  // Whether nothing of an answer has come that was not taken.
  bool is_between() const { return head.empty() && ahead_.empty(); }

  std::string head;
  std::string body;

 private:
  bool more() {
    char room[4096];
    const auto [n, err] = from_.read(room);
    ahead_.append(room, n);
    return n > 0;
  }
  std::string take(std::size_t n) {
    std::string taken = ahead_.substr(0, n);
    ahead_.erase(0, n);
    return taken;
  }
  bool next_bytes(std::size_t n) {
    while (ahead_.size() < n) {
      if (!more()) {
        return false;
      }
    }
    body += take(n);
    return true;
  }
  bool next_chunks() {
    for (;;) {
      std::size_t end = std::string::npos;
      while ((end = ahead_.find("\r\n")) == std::string::npos) {
        if (!more()) {
          return false;
        }
      }
      const std::size_t n = std::strtoul(take(end + 2).c_str(), nullptr, 16);
      if (!next_bytes(n + 2) || !body.ends_with("\r\n")) {
        return false;
      }
      body.resize(body.size() - 2);
      if (n == 0) {
        return true;
      }
    }
  }

  gossamer::net::conn from_;
  std::string ahead_;
};

}  // namespace support
