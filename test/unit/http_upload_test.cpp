// Bodies of requests that are still being read when their call is over.
#include <gossamer/http/client.hpp>
#include <gossamer/http/client_trace.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/file.hpp>

#include <stdlib.h>

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http_served.hpp"
#include "http_transported.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using place = support::transported;
using support::eventually;
using support::request_to;
using support::scripted;
using support::text_of;

namespace {

// Nobody's read or close() of it ends before release(). A test ends behind the last reference to the body.
class held_bodies {
 public:
  held_bodies() = default;
  held_bodies(const held_bodies&) = delete;
  held_bodies& operator=(const held_bodies&) = delete;
  ~held_bodies() {
    release();
    gone_.wait();
  }

  io::read_closer make() { return std::make_shared<body>(*this); }
  void release() {
    if (!released_.exchange(true)) {
      held_.close();
    }
  }
  bool is_read() const { return is_read_; }
  bool is_closed() const { return is_closed_; }

 private:
  struct body {
    explicit body(held_bodies& b) : of(b) { of.gone_.add(1); }
    body(const body&) = delete;
    body& operator=(const body&) = delete;
    ~body() { of.gone_.done(); }
    io::result read(std::span<std::byte>) {
      of.is_read_ = true;
      of.held_.recv();
      return {0, io::eof};
    }
    error close() {
      of.is_closed_ = true;
      of.held_.recv();
      return nullptr;
    }
    held_bodies& of;
  };

  chan<void> held_ = make_chan<void>();
  sync::wait_group gone_;
  std::atomic<bool> released_ = false, is_read_ = false, is_closed_ = false;
};

// Says something when the request's head is there, and then waits for the client to go.
scripted::script says(std::string_view what) {
  return [what](const net::conn& c, int) {
    support::read_head(c);
    c.write(what);
    io::copy(io::discard, c);
  };
}

// Sends its body's trailer when that has ended.
struct summed_body {
  http::request* of;
  bool has_begun = false;
  io::result read(std::span<std::byte> to) {
    if (!std::exchange(has_begun, true)) {
      to.front() = std::byte('x');
      return {1, nullptr};
    }
    of->trailer.set("Sum", "all");
    return {0, io::eof};
  }
};

}  // namespace

FIBER_TEST("http upload: a client's time-out ends a call whose body is being read") {
  scripted s(says(""));
  auto t = std::make_shared<http::transport>();
  t->dial_context = s.dial();
  http::client c;
  c.transport = t;
  for (const char* const method : {"POST", "GET"}) {
    CHECK(support::with_a_limit(100ms, [&](std::chrono::nanoseconds limit) {
      held_bodies bodies;
      http::request r = request_to("http://a/", method);
      r.trailer.set("Sum", "");
      r.body = bodies.make();
      c.timeout = limit;
      const auto [answer, err] = c.do_(r);
      CHECK(err.text().ends_with("(Client.Timeout exceeded while awaiting headers)"));
      CHECK(eventually([&] { return bodies.is_closed(); }));
      return bodies.is_read();  // it was being sent
    }));
  }
}

FIBER_TEST("http upload: an early answer is read to its end while its request's body is being read") {
  scripted s(says("HTTP/1.1 413 Too Much\r\nContent-Length: 9\r\n\r\ntoo large"));
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  {
    http::request r = request_to("http://a/", "POST");
    r.trailer.set("Sum", "");
    r.body = bodies.make();
    CHECK(text_of(t.round_trip(r)) == "too large");
  }
  CHECK(eventually([&] { return bodies.is_closed(); }));
  CHECK(text_of(t.round_trip(request_to("http://a/"))) == "too large");
  CHECK(s.accepted() == 2);
}

FIBER_TEST("http upload: protocols are switched, and the request's body never ends") {
  scripted s(says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"));
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  http::request r = request_to("http://a/", "POST");
  r.header.set("Connection", "Upgrade");
  r.header.set("Upgrade", "x");
  r.body = bodies.make();
  CHECK(text_of(t.round_trip(r)) ==
        "error: net/http: HTTP/1.x transport connection broken: protocols were switched before the request was sent");
  CHECK(eventually([&] { return bodies.is_closed(); }));
}

FIBER_TEST("http upload: a redirect waits for no body that is being read") {
  scripted s([](const net::conn& c, int i) {
    support::read_head(c);
    c.write(i == 0 ? "HTTP/1.1 303 See Other\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
                   : support::answer("there"));
    support::read_to_end(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  http::request r = request_to("http://a/", "POST");
  r.body = bodies.make();
  const http::client c{.transport = &t};
  CHECK(text_of(c.do_(r)) == "there");
}

FIBER_TEST("http upload: a file, to a server that has heard enough of it") {
  constexpr std::int64_t size = 8 << 20;
  std::string room = "/tmp/gossamer-upload-XXXXXX";
  CHECK(::mkdtemp(room.data()) != nullptr);
  CHECK(os::write_file(room + "/file", std::string(size, 'x'), 0600) == nil);
  support::bound_listener l;
  const auto told = make_chan<void>();
  support::crew fibers;
  fibers.go([&] {
    auto [c, err] = l.l.accept();
    support::read_head(c);
    c.write("HTTP/1.1 413 Too Much\r\nContent-Length: 9\r\n\r\ntoo large");
    told.recv();
    support::read_to_end(c);
    c.close();
  });
  http::transport t;
  auto [f, err] = os::open(room + "/file");
  CHECK(err == nil);
  http::request r = request_to("http://" + l.place() + "/", "POST");
  r.body = f;
  r.content_length = size;
  CHECK(text_of(t.round_trip(r)) == "too large");
  r.body = nil;
  CHECK(eventually([&] { return errors::is(f.stat().second, os::closed); }));
  told.close();
  fibers.join();
  CHECK(os::remove(room + "/file") == nil);
  CHECK(os::remove(room) == nil);
}

FIBER_TEST("http upload: a server that goes ends a call whose body is being read") {
  scripted s([](const net::conn& c, int) { support::read_head(c); });
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  std::optional<http::request> r = request_to("http://a/", "POST");
  r->body = bodies.make();
  CHECK(text_of(t.round_trip(*r)).ends_with("EOF"));
  r.reset();
  CHECK(eventually([&] { return bodies.is_closed(); }));
}

FIBER_TEST("http upload: what a trace's function throws ends the request") {
  scripted s(says("HTTP/1.1 103 Early Hints\r\n\r\n"));
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  http::client_trace trace;
  trace.got_1xx_response = [](int, const http::header&) -> error { panic("boom"); };
  std::optional<http::request> r =
      request_to("http://a/", "POST", http::with_client_trace(context::background(), trace));
  r->trailer.set("Sum", "");
  r->body = bodies.make();
  bool has_thrown = false;
  try {
    t.round_trip(*r);
  } catch (...) {
    has_thrown = true;
  }
  r.reset();
  CHECK(has_thrown);
  CHECK(eventually([&] { return bodies.is_closed(); }));
}

FIBER_TEST("http upload: a context ends the look whether a body has a byte at all") {
  scripted s(says(""));
  http::transport t;
  t.dial_context = s.dial();
  held_bodies bodies;
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew fibers;
  fibers.go([&bodies, end = cancel] {
    CHECK(eventually([&] { return bodies.is_read(); }));
    end();
  });
  std::optional<http::request> r = request_to("http://a/", "GET", ctx);
  r->trailer.set("Sum", "");
  r->body = bodies.make();
  CHECK(text_of(t.round_trip(*r)) == "error: context canceled");
  r.reset();
  fibers.join();
  CHECK(eventually([&] { return bodies.is_closed(); }));
}

FIBER_TEST("http upload: trailers that are set while a client's request is sent") {
  place p([](http::response_writer& w, http::request& r) {
    const auto [body, err] = io::read_all(r.body);
    w.write(std::string(r.trailer.get("Sum")) + " of " + std::to_string(body.size()));
  });
  for (const auto timeout : {0ns, time::duration(support::patience)}) {
    http::client c;
    c.transport = &p.t;
    c.timeout = timeout;
    for (const char* const method : {"POST", "GET"}) {
      http::request r = request_to("http://a/", method);
      r.trailer.set("Sum", "");
      r.body = io::nop_closer(std::make_shared<summed_body>(&r));
      CHECK(text_of(c.do_(r)) == "all of 1");
    }
  }
  CHECK(p.dials == 1);
}
