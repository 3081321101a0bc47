// Clients that are slow, or go away at any time, and servers that end while they are asked: nobody else notices, no
// answer is cut, and nothing is left.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/http/server.hpp"
#include "gossamer/io.hpp"
#include "gossamer/leak.hpp"
#include "http_serving.hpp"

using namespace gossamer;
using support::crew;
using support::eventually;
using support::http_answers;
using support::rough_served;
using support::scale;

namespace {

// Its server finds the connection reset.
void reset(const net::conn& c) {
  c.set_linger(0);
  c.close();
}

std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }
std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

// Which connections there are, as their server tells.
struct census {
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  std::atomic<int> idle = 0;

  void count(http::server& s) {
    s.conn_state = [this](const net::conn&, http::conn_state to) {
      begun += to == http::conn_state::created ? 1 : 0;
      ended += to == http::conn_state::closed ? 1 : 0;
      idle += to == http::conn_state::idle ? 1 : 0;
    };
  }
  bool all_ended(int n) const { return begun == n && ended == n; }
};

constexpr std::size_t large = 200'000;

// What is asked of it: /echo the body; /large much, in pieces; /wait until the client has gone.
void serve_faults(http::response_writer& w, http::request& r) {
  if (r.url.path == "/wait") {
    const context::context ctx = r.context();
    io::read_all(r.body);
    ctx.done().recv();
    return;
  }
  if (r.url.path == "/large") {
    const std::string piece(10'000, 'x');
    for (std::size_t sent = 0; sent < large && !w.write(piece).second; sent += piece.size()) {
    }
    return;
  }
  if (r.url.path == "/endless") {
    const std::string piece(10'000, 'x');
    while (!w.write(piece).second) {
    }
    return;
  }
  const auto [body, err] = io::read_all(r.body);
  if (err) {
    return;
  }
  w.header().set("Content-Type", "text/plain");
  w.write(r.url.path + " ");
  w.write(body);
}

// Lets the process have as many descriptors as it may.
class many_descriptors {
 public:
  many_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit most = before_;
    most.rlim_cur = most.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &most);
  }
  many_descriptors(const many_descriptors&) = delete;
  many_descriptors& operator=(const many_descriptors&) = delete;
  ~many_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  // Of connections both of whose ends are here.
  int connections(int wanted) const { return std::min(wanted, static_cast<int>(before_.rlim_max / 2) - 100); }

 private:
  rlimit before_{};
};

}  // namespace

FIBER_TEST("http faults: a thousand clients that are slow stop nobody") {
  const many_descriptors room;
  const int n = room.connections(scale(1000));
  rough_served s(serve_faults);
  census all;
  all.count(s.srv);
  s.start();
  const int fibers = runtime::num_fibers();
  std::vector<http_answers> slow;
  for (int i = 0; i < n; i++) {
    slow.emplace_back(s.dial());
    // Some before their header is complete, some in their body.
    slow.back().connection().write(i % 2 == 0 ? std::string_view("GET /echo HTTP/1.1\r\nHo")
                                              : std::string_view("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                                                 "Content-Length: 5\r\n\r\nhel"));
  }
  CHECK(eventually([&] { return runtime::num_fibers() >= fibers + n; }));
  http_answers other(s.dial());
  for (int i = 0; i < 20; i++) {
    other.connection().write(post("/echo", std::to_string(i)));
    CHECK(other.next());
    CHECK(other.body == "/echo " + std::to_string(i));
  }
  int answered = 0;
  for (int i = 0; i < n; i++) {
    http_answers& c = slow[static_cast<std::size_t>(i)];
    c.connection().write(i % 2 == 0 ? std::string_view("st: a\r\n\r\n") : std::string_view("lo"));
    answered += c.next() && c.body == (i % 2 == 0 ? "/echo " : "/echo hello") ? 1 : 0;
    c.connection().close();
  }
  CHECK(answered == n);
  other.connection().close();
  CHECK(eventually([&] { return all.all_ended(n + 1); }));
}

FIBER_TEST("http faults: of a client that goes away, in whatever state, nothing is left") {
  const std::string body(100, 'b');
  const std::vector<std::string> begun{
      "",
      "GET",
      "GET /echo HTTP/1.1\r\nHost: a\r\nX:",
      post("/echo", body).substr(0, post("/echo", body).size() - 100),
      post("/echo", body).substr(0, post("/echo", body).size() - 1),
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "POST /wait HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      get("/wait"),
      post("/echo", body),
      get("/large"),
      get("/endless"),
      get("/echo") + "GET /echo HT",
      get("/echo") + get("/endless"),
  };
  rough_served s(serve_faults);
  census all;
  all.count(s.srv);
  s.start();
  int opened = 0;
  for (const bool resets : {false, true}) {
    for (const std::string& text : begun) {
      for (const bool reads : {false, true}) {
        const net::conn c = s.dial();
        opened++;
        c.write(text);
        if (reads && text.find("/echo HTTP/1.1\r\nHost: a\r\n\r\n") != std::string::npos) {
          CHECK(http_answers(c).next());
        } else if (reads && text.find("GET /endless") == 0) {
          CHECK(support::read_n(c, 5000).size() == 5000);
        } else if (text.starts_with("POST /wait")) {
          c.write("hello");
        }
        if (resets) {
          reset(c);
        } else {
          c.close();
        }
      }
    }
  }
  CHECK(eventually([&] { return all.all_ended(opened); }));
}

FIBER_TEST("http faults: the context of a request ends with its client, also behind a body") {
  std::atomic<int> ended = 0;
  rough_served s([&](http::response_writer&, http::request& r) {
    const context::context ctx = r.context();
    io::read_all(r.body);
    ctx.done().recv();
    ended += errors::is(ctx.err(), context::canceled) ? 1 : 0;
  });
  s.start();
  for (const bool resets : {false, true}) {
    for (const std::string& text : {get("/"), post("/", "hello"),
                                    std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                "5\r\nhello\r\n0\r\n\r\n")}) {
      const net::conn c = s.dial();
      c.write(text);
      if (resets) {
        reset(c);
      } else {
        c.close();
      }
    }
  }
  CHECK(eventually([&] { return ended == 6; }));
}

namespace {

// One client of many, which goes away at random.
class rough_client {
 public:
  rough_client(const rough_served& of, unsigned seed) : of_(of), random_(seed) {}
  rough_client(const rough_client&) = delete;
  rough_client& operator=(const rough_client&) = delete;
  ~rough_client() { leave(); }

  void ask_once() {
    if (!answers_) {
      answers_.emplace(of_.dial());
    }
    const std::size_t kind = draw(6);
    const bool pair = kind == 5;
    const std::string first = one(kind);
    const std::string text = pair ? first + get("/echo") : first;
    if (draw(4) == 0) {
      go_away(text);
      return;
    }
    answers_->connection().write(text);
    bool right = answers_->next(kind != 1) && answers_->body == expected_;
    if (pair) {
      right = right && answers_->next() && answers_->body == "/echo ";
    }
    if (!right) {
      wrong++;
      leave();
    }
  }

  int wrong = 0;

 private:
  std::size_t draw(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }

  std::string one(std::size_t kind) {
    const std::string body(draw(3) == 0 ? draw(6000) : draw(100), 'b');
    expected_ = "/echo ";
    switch (kind) {
      case 0:
        return get("/echo");
      case 1:
        expected_.clear();
        return "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n";
      case 2:
        expected_.assign(large, 'x');
        return draw(10) == 0 ? get("/large") : (expected_ = "/echo ", get("/echo"));
      case 3: {
        expected_ += body + body;
        std::string size(8, '\0');
        size.resize(static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx", body.size())));
        const std::string chunk = body.empty() ? std::string() : size + "\r\n" + body + "\r\n";
        return "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n";
      }
      default:
        expected_ += body;
        return post("/echo", body);
    }
  }

  // Before the request is whole, or when the answer is not yet read, or in the midst of it.
  void go_away(std::string_view text) {
    const net::conn& c = answers_->connection();
    if (draw(2) == 0) {
      c.write(text.substr(0, draw(text.size())));
    } else {
      c.write(text);
      if (draw(2) == 0) {
        std::array<char, 50> some;
        c.read(some);
      }
    }
    leave();
  }

  // Mostly by a reset: a place that was closed in order is not free again for a minute.
  void leave() {
    if (!answers_) {
      return;
    }
    if (draw(8) == 0) {
      answers_->connection().close();
    } else {
      reset(answers_->connection());
    }
    answers_.reset();
  }

  const rough_served& of_;
  std::mt19937 random_;
  std::optional<http_answers> answers_;
  std::string expected_;
};

}  // namespace

// 100,000 requests at all widths together; fewer where a sanitizer makes them slow.
FIBER_TEST("http faults: after many requests, a quarter of them given up at random, nothing is left") {
  constexpr int clients = 10;
  const int requests = scale(25'000) / clients;
  rough_served s(serve_faults);
  census all;
  all.count(s.srv);
  s.start();
  std::atomic<int> wrong = 0;
  {
    crew fibers;
    for (unsigned i = 0; i < clients; i++) {
      fibers.go([&, i] {
        rough_client c(s, 1000 * static_cast<unsigned>(support::width()) + i);
        for (int k = 0; k < requests; k++) {
          c.ask_once();
        }
        wrong += c.wrong;
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(eventually([&] { return all.begun == all.ended; }));
  s.stop();  // serve() returns server_closed, or the test fails
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("http faults: a shutdown lets requests that have begun finish, and cuts no answer") {
  for (int round = 0; round < scale(40); round++) {
    rough_served s(serve_faults);
    s.start();
    std::atomic<int> whole = 0;
    std::atomic<int> cut = 0;
    {
      crew fibers;
      for (int i = 0; i < 8; i++) {
        fibers.go([&, i] {
          for (;;) {
            auto [c, err] = net::dial("tcp", s.place());
            if (err) {
              return;
            }
            http_answers answers(std::move(c));
            for (int k = 0; k < 5; k++) {
              answers.connection().write(post("/echo", "hello"));
              if (!answers.next()) {
                cut += answers.is_between() ? 0 : 1;
                break;
              }
              whole += answers.body == "/echo hello" ? 1 : 0;
              cut += answers.body == "/echo hello" ? 0 : 1;
              if (i % 2 == 0) {
                runtime::gosched();
              }
            }
            answers.connection().close();
          }
        });
      }
      const int before = 1 + round;
      CHECK(eventually([&] { return whole >= before; }));
      CHECK(s.srv.shutdown(context::background()) == nil);
    }
    CHECK(cut == 0);
    s.stop();  // serve() returns server_closed, or the test fails
    CHECK(errors::is(s.srv.listen_and_serve(), http::server_closed));
  }
}

FIBER_TEST("http faults: a shutdown waits for who is answered, and says to him that it is the end") {
  chan<int> begun = make_chan<int>();
  chan<int> goes_on = make_chan<int>();
  rough_served s([&](http::response_writer& w, http::request&) {
    begun.send(1);
    goes_on.recv();
    w.write("whole");
  });
  s.start();
  http_answers busy(s.dial());
  busy.connection().write(get("/"));
  begun.recv();
  std::atomic<bool> has_ended = false;
  crew fibers;
  fibers.go([&] {
    CHECK(s.srv.shutdown(context::background()) == nil);
    has_ended = true;
  });
  CHECK(eventually([&] { return static_cast<bool>(net::dial("tcp", s.place()).second); }));
  CHECK_FALSE(has_ended);
  goes_on.send(1);
  CHECK(busy.next());
  CHECK(busy.body == "whole");
  CHECK(support::field_of(busy.head, "Connection") == "close");
  CHECK_FALSE(busy.next());
  fibers.join();
  busy.connection().close();
}
