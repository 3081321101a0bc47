// Servers that break off, stall, lie or hurry; contexts that end. Each has its error, and nothing is left behind.
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "http_transported.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::answer;
using support::eventually;
using support::post_to;
using support::read_head;
using support::request_to;
using support::scripted;
using support::text_of;

namespace {

const std::string broken = "error: net/http: HTTP/1.x transport connection broken: ";

std::string get(http::transport& t, context::context ctx = context::background()) {
  return text_of(t.round_trip(request_to("http://a/", "GET", std::move(ctx))));
}

// What becomes of one GET whose answer is this, after which the server closes.
std::string said(std::string_view what) {
  scripted s([what](const net::conn& c, int) {
    read_head(c);
    c.write(what);
  });
  http::transport t;
  t.dial_context = s.dial();
  return get(t);
}

// Reads until the client has gone.
void read_all_of(const net::conn& c) {
  char piece[4096];
  while (!c.read(piece).second) {
  }
}

}  // namespace

FIBER_TEST("http transport faults: answers that are none") {
  CHECK(said("") == "error: EOF");
  CHECK(said("HTTP/1.1 200") == broken + "unexpected EOF");
  CHECK(said("HTTP/1.1 200 OK\r\nContent-Len") == broken + "unexpected EOF");
  CHECK(said("hello\r\n\r\n") == broken + "malformed HTTP response \"hello\"");
  CHECK(said("HTTP/1.1 there OK\r\n\r\n") == broken + "malformed HTTP status code \"there\"");
  CHECK(said("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") == "half error: unexpected EOF");
  CHECK(said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha") == "ha error: unexpected EOF");
  CHECK(said("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nha\r\n") ==
        " error: invalid byte in chunk length");
  CHECK(said("HTTP/1.1 200 OK\r\n\r\nuntil the end") == "until the end");
  CHECK(said("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more") == "hi");
}

FIBER_TEST("http transport faults: a head without end") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write("HTTP/1.1 200 OK\r\n");
    while (!c.write("X-A: " + std::string(1000, 'x') + "\r\n").second) {
    }
  });
  http::transport t;
  t.dial_context = s.dial();
  t.max_response_header_bytes = 10000;
  CHECK(get(t) == broken + "net/http: server response headers exceeded 10000 bytes; aborted");
}

FIBER_TEST("http transport faults: bytes that nobody has asked for end an idle connection") {
  std::atomic<int> spoken = 0;
  scripted s([&](const net::conn& c, int) {
    read_head(c);
    c.write(answer("first"));
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    ++spoken;
    CHECK(read_head(c).empty());
  });
  http::transport t;
  t.dial_context = s.dial();
  CHECK(get(t) == "first");
  CHECK(eventually([&] { return spoken == 1; }));
  CHECK(get(t) == "first");
  CHECK(s.accepted() == 2);
}

FIBER_TEST("http transport faults: a kept connection that has ended is not used") {
  std::atomic<int> closed = 0;
  scripted s([&closed](const net::conn& c, int) {
    read_head(c);
    c.write(answer("one"));
    c.close();
    closed++;
  });
  http::transport t;
  t.dial_context = s.dial();
  for (int i = 0; i < 5; i++) {
    CHECK(get(t) == "one");
    CHECK(eventually([&] { return closed == 2 * i + 1; }));
    CHECK(text_of(t.round_trip(post_to("http://a/", "x"))) == "one");
    CHECK(eventually([&] { return closed == 2 * i + 2; }));
  }
}

FIBER_TEST("http transport faults: a kept connection ends as the next request goes out") {
  std::atomic<int> posts = 0;
  // The first connection is closed when the second request has been read; later ones serve.
  const auto serve = [&](const net::conn& c, int number) {
    for (int i = 0;; i++) {
      const std::string head = read_head(c);
      posts += head.starts_with("POST") ? 1 : 0;
      if (head.empty() || (number == 0 && i == 1)) {
        return;
      }
      c.write(answer("ok"));
    }
  };
  {
    scripted s(serve);
    http::transport t;
    t.dial_context = s.dial();
    CHECK(get(t) == "ok");
    CHECK(get(t) == "ok");
    CHECK(s.accepted() == 2);
  }
  {
    scripted s(serve);
    http::transport t;
    t.dial_context = s.dial();
    CHECK(get(t) == "ok");
    http::request r = request_to("http://a/", "POST");
    CHECK(text_of(t.round_trip(r)) == "error: EOF");
    CHECK(s.accepted() == 1);
    CHECK(posts == 1);
  }
  scripted s(serve);
  http::transport t;
  t.dial_context = s.dial();
  CHECK(get(t) == "ok");
  http::request r = request_to("http://a/", "POST");
  r.header.set("Idempotency-Key", "1");
  CHECK(text_of(t.round_trip(r)) == "ok");
  CHECK(s.accepted() == 2);
}

FIBER_TEST("http transport faults: the answer does not come in time") {
  scripted s([](const net::conn& c, int) { read_all_of(c); });
  http::transport t;
  t.dial_context = s.dial();
  t.response_header_timeout = 20ms;
  auto [none, err] = t.round_trip(request_to("http://a/"));
  CHECK(err.text() == "net/http: timeout awaiting response headers");
  CHECK(err.timeout());
  CHECK(errors::is(err, context::deadline_exceeded));
  CHECK(text_of(t.round_trip(post_to("http://a/", std::string(20000, 'x')))) ==
        "error: net/http: timeout awaiting response headers");
}

FIBER_TEST("http transport faults: a context ends in every state") {
  const error why = errors::make("enough of it");
  enum class state { pool, dial, head, body };
  for (const state at : {state::pool, state::dial, state::head, state::body}) {
    std::atomic<bool> there = false;
    scripted s([&](const net::conn& c, int) {
      read_head(c);
      if (at == state::body) {
        c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      }
      there = true;
      read_all_of(c);
    });
    http::transport t;
    t.max_conns_per_host = 1;
    t.dial_context = [&, dial = s.dial()](const net::ending& end, std::string_view network, std::string_view address) {
      if (at == state::dial) {
        there = true;
        make_chan<void>().recv_until(end.stop());
        return std::pair<net::conn, error>(nullptr, end.err());
      }
      return dial(end, network, address);
    };
    const auto [ctx, cancel] = context::with_cancel_cause(context::background());
    const auto [first, cancel_first] = context::with_cancel(context::background());
    support::crew fibers;
    if (at == state::pool) {
      fibers.go([&, own = first] { CHECK(get(t, own) == "error: context canceled"); });
      CHECK(eventually([&] { return there.load(); }));
    }
    fibers.go([&, own = ctx] { CHECK(get(t, own).ends_with("error: enough of it")); });
    CHECK(eventually([&] { return there.load(); }));
    cancel(why);
    cancel_first();
    fibers.join();
  }
}

FIBER_TEST("http transport faults: a context ends an answer that nobody reads") {
  scripted s([](const net::conn& c, int) {
    c.write(read_head(c).starts_with("GET /whole") ? answer("whole")
                                                   : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    read_all_of(c);
  });
  http::transport t;
  t.max_conns_per_host = 1;
  t.dial_context = s.dial();
  const auto [ctx, cancel] = context::with_cancel_cause(context::background());
  const auto [first, err] = t.round_trip(request_to("http://a/", "GET", ctx));
  CHECK(err == nil);
  cancel(errors::make("enough of it"));
  http::response second;
  CHECK(support::with_a_limit(50ms, [&](std::chrono::nanoseconds limit) {
    const http::client impatient{.transport = &t, .timeout = limit};
    error late;
    std::tie(second, late) = impatient.get("http://a/");
    return late == nil;
  }));
  CHECK(text_of(t.round_trip(request_to("http://a/whole"))) == "whole");
  CHECK(text_of({first, nullptr}) == " error: enough of it");
  CHECK(text_of({second, nullptr}).ends_with("(Client.Timeout or context cancellation while reading body)"));
}

FIBER_TEST("http transport faults: a deadline ends in the middle of a body") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    read_all_of(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  std::string text;
  CHECK(support::with_a_limit(30ms, [&](std::chrono::nanoseconds limit) {
    const auto [ctx, cancel] = context::with_timeout(context::background(), limit);
    text = get(t, ctx);
    cancel();
    return text.starts_with("half");
  }));
  CHECK(text == "half error: context deadline exceeded");
}

FIBER_TEST("http transport faults: who closes a body ends a read that waits") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    read_all_of(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  auto [got, err] = t.round_trip(request_to("http://a/"));
  CHECK(err == nil);
  std::atomic<int> reads = 0;
  support::crew fibers;
  fibers.go([&, body = got.body] {
    char byte[16];
    CHECK(body.read(byte).first == 4);
    ++reads;
    CHECK(body.read(byte).second.text() == "http: read on closed response body");
  });
  CHECK(eventually([&] { return reads == 1; }));
  for (int i = 0; i < 20; i++) {
    runtime::gosched();
  }
  CHECK(got.body.close() == nil);
}

FIBER_TEST("http transport faults: a server answers before it has read all, and goes away") {
  scripted s([](const net::conn& c, int number) {
    read_head(c);
    c.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    if (number % 2 == 0) {
      c.set_read_buffer(1);
      c.close_read();
    }
    read_head(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  for (int i = 0; i < 4; i++) {
    auto [reading, writing] = io::pipe();
    http::request r = request_to("http://a/", "POST");
    r.body = reading;
    support::crew fibers;
    fibers.go([to = writing] {
      while (!to.write(std::string(10000, 'x')).second) {
        runtime::gosched();
      }
    });
    CHECK(text_of(t.round_trip(r)) == "big");
  }
}

FIBER_TEST("http transport faults: a body that never comes does not hold the answer's end") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write(answer("no need"));
    read_all_of(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  auto [reading, writing] = io::pipe();
  http::request r = request_to("http://a/", "POST");
  r.body = reading;
  CHECK(text_of(t.round_trip(r)) == "no need");
  CHECK(writing.write("x").second == io::closed_pipe);
}

FIBER_TEST("http transport faults: a body that fails ends the request") {
  scripted s([](const net::conn& c, int) { read_all_of(c); });
  http::transport t;
  t.dial_context = s.dial();
  auto [reading, writing] = io::pipe();
  http::request r = request_to("http://a/", "POST");
  r.body = reading;
  support::crew fibers;
  fibers.go([to = writing] {
    to.write("some");
    to.close_with_error(errors::make("no more of it"));
  });
  CHECK(text_of(t.round_trip(r)) == "error: no more of it");
  http::request lies = post_to("http://a/", "text");
  lies.content_length = 5;
  CHECK(text_of(t.round_trip(lies)) == "error: http: ContentLength=5 with Body length 4");
}

FIBER_TEST("http transport faults: a body that fails when the answer has begun ends that") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    read_all_of(c);
  });
  http::transport t;
  t.dial_context = s.dial();
  auto [reading, writing] = io::pipe();
  http::request r = request_to("http://a/", "POST");
  r.body = reading;
  auto [got, err] = t.round_trip(r);
  CHECK(err == nil);
  writing.close_with_error(errors::make("no more of it"));
  CHECK(text_of({got, err}) == "half error: no more of it");
}

FIBER_TEST("http transport faults: what has timed out on a kept connection is not sent again") {
  CHECK(support::with_a_limit(20ms, [&](std::chrono::nanoseconds limit) {
    std::atomic<int> heads = 0;
    scripted s([&](const net::conn& c, int) {
      read_head(c);
      c.write(answer("one"));
      while (!read_head(c).empty()) {
        ++heads;
      }
    });
    http::transport t;
    t.dial_context = s.dial();
    t.response_header_timeout = limit;
    if (get(t) != "one") {
      return false;
    }
    CHECK(get(t) == "error: net/http: timeout awaiting response headers");
    CHECK(s.accepted() == 1);
    CHECK(eventually([&] { return heads == 1; }));
    return true;
  }));
}

FIBER_TEST("http transport faults: 10,000 fibers, and 100 connections that break at times") {
  std::atomic<int> served = 0;
  scripted s([&](const net::conn& c, int number) {
    for (int i = 0;; i++) {
      const std::string head = read_head(c);
      if (head.empty()) {
        return;
      }
      ++served;
      c.write(answer(head.substr(4, head.find(' ', 4) - 4)));
      if ((number + i) % 50 == 49) {
        return;
      }
    }
  });
  http::transport t;
  t.dial_context = s.dial();
  t.max_conns_per_host = 100;
  t.max_idle_conns_per_host = 100;
  const int n = support::scale(10000) / (support::width() > 8 ? 4 : 1);
  std::atomic<int> right = 0;
  support::crew fibers;
  for (int i = 0; i < n; i++) {
    fibers.go([&, i] {
      const std::string path = "/" + std::to_string(i);
      right += text_of(t.round_trip(request_to("http://a" + path))) == path ? 1 : 0;
    });
  }
  fibers.join();
  CHECK(right == n);
}

FIBER_TEST("http transport faults: functions that dial nothing") {
  http::transport t;
  t.dial_context = [](const net::ending&, std::string_view, std::string_view) {
    return std::pair(net::conn(), error());
  };
  t.dial_tls_context = t.dial_context;
  CHECK(get(t) == "error: net/http: Transport.DialContext hook returned (nil, nil)");
  CHECK(text_of(t.round_trip(request_to("https://a/"))) ==
        "error: net/http: Transport.DialTLS or DialTLSContext returned (nil, nil)");
}

FIBER_TEST("http transport faults: closing what was not used yet leaves the fields to be set") {
  scripted s([](const net::conn& c, int) {
    read_head(c);
    c.write(answer("one"));
  });
  http::transport t;
  t.close_idle_connections();
  t.dial_context = s.dial();
  CHECK(get(t) == "one");
}
