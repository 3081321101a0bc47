// Calls: what is sent, what comes of it, and how long it may take.
#include <gossamer/http/client.hpp>
#include <gossamer/http/respond.hpp>
#include <gossamer/io.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http_played.hpp"

using namespace gossamer;
using support::played;

namespace {

// A body that says when it is closed, and cannot be had again.
struct closing_body {
  std::shared_ptr<int> closed = std::make_shared<int>(0);
  io::result read(std::span<std::byte>) const { return {0, io::eof}; }
  error close() const {
    ++*closed;
    return nullptr;
  }
};

http::client client_of(http::round_tripper t) {
  http::client c;
  c.transport = std::move(t);
  return c;
}

http::round_tripper fails(std::string text) {
  return [text](const http::request& r) -> http::round_trip_result {
    if (r.body) {
      r.body.close();
    }
    return {{}, errors::make(text)};
  };
}

std::string error_of(std::string_view method, std::string_view url) {
  auto [r, err] = http::new_request(method, url);
  CHECK_FALSE(err);
  return client_of(fails("boom")).do_(r).second.text();
}

// Answers at once; the body waits for the end of the request's context.
http::round_trip_result stalls_in_body(const http::request& r) {
  struct body {
    context::context ctx;
    bool begun = false;
    io::result read(std::span<std::byte> to) {
      if (!std::exchange(begun, true)) {
        to[0] = std::byte{'x'};
        return {1, nullptr};
      }
      ctx.done().recv();
      return {0, ctx.err()};
    }
    error close() { return nullptr; }
  };
  http::response answer;
  answer.status_code = 200;
  answer.content_length = -1;
  answer.body = std::make_shared<body>(r.context());
  return {std::move(answer), nullptr};
}

http::round_trip_result stalls_before(const http::request& r) {
  r.context().done().recv();
  return {{}, r.context().err()};
}

}  // namespace

TEST_CASE("http client: get, head, post and post_form") {
  played p([](http::response_writer& w, http::request&) { w.write("hi"); });
  const http::client c = client_of(&p);
  auto [answer, err] = c.get("http://a.test/x?q");
  CHECK_FALSE(err);
  CHECK(io::read_all(answer.body).first == "hi");
  CHECK(answer.request->method == "GET");
  CHECK(answer.request->url.text() == "http://a.test/x?q");
  CHECK_FALSE(answer.request->body);
  CHECK_FALSE(c.head("http://a.test/").second);
  CHECK_FALSE(c.post("http://a.test/", "text/plain", "text").second);
  CHECK_FALSE(c.post("http://a.test/", "a/b", nil).second);
  CHECK_FALSE(c.post_form("http://a.test/", {{"a", "1 2"}, {"b", "&"}}).second);
  CHECK(p.asked[1].method == "HEAD");
  CHECK(p.asked[2].method == "POST");
  CHECK(p.asked[2].field("Content-Type") == "text/plain");
  CHECK(p.asked[2].body == "text");
  CHECK(p.asked[3].body == "");
  CHECK(p.asked[4].field("Content-Type") == "application/x-www-form-urlencoded");
  CHECK(p.asked[4].body == "a=1+2&b=%26");
  CHECK(c.get("http://[::1").second.text() == "parse \"http://[::1\": missing ']' in host");
}

TEST_CASE("http client: errors name the method and the place, and no password") {
  CHECK(error_of("", "http://a.test") == "Get \"http://a.test\": boom");
  CHECK(error_of("POST", "http://a.test/?q") == "Post \"http://a.test/?q\": boom");
  CHECK(error_of("get", "http://a.test/") == "get \"http://a.test/\": boom");
  CHECK(error_of("M-SEARCH", "http://a.test/") == "M-search \"http://a.test/\": boom");
  CHECK(error_of("GET", "http://u:secret@a.test/") == "Get \"http://u:***@a.test/\": boom");
  CHECK(error_of("GET", "http://u@a.test/") == "Get \"http://u@a.test/\": boom");
  const error err = client_of(stalls_before).get("http://[").second;
  CHECK(errors::as<http::url_error>(err) != nullptr);
}

TEST_CASE("http client: request_uri is no client's") {
  auto [r, err] = http::new_request("PUT", "http://a.test/");
  const closing_body body;
  r.body = body;
  r.request_uri = "/";
  CHECK(client_of(fails("boom")).do_(r).second.text() ==
        "Put \"http://a.test/\": http: Request.RequestURI can't be set in client requests");
  CHECK(*body.closed == 1);
}

TEST_CASE("http client: the user of the URL signs, unless the request is signed") {
  played p([](http::response_writer&, http::request&) {});
  const http::client c = client_of(&p);
  CHECK_FALSE(c.get("http://Aladdin:open%20sesame@a.test/").second);
  CHECK(p.asked[0].field("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  auto [r, err] = http::new_request("GET", "http://u@a.test/");
  CHECK_FALSE(c.do_(r).second);
  CHECK(p.asked[1].field("Authorization") == "Basic dTo=");
  CHECK_FALSE(r.header.has("Authorization"));
  r.header.set("Authorization", "own");
  CHECK_FALSE(c.do_(r).second);
  CHECK(p.asked[2].field("Authorization") == "own");
}

TEST_CASE("http client: the jar gets what answers set, and gives it to what is sent") {
  played p([](http::response_writer& w, http::request&) {
    w.header().add("Set-Cookie", "a=1");
    w.header().add("Set-Cookie", "b=2; Path=/other");
  });
  http::client c = client_of(&p);
  c.jar = http::cookiejar::new_jar();
  CHECK_FALSE(c.get("http://a.test/").second);
  CHECK_FALSE(c.get("http://a.test/").second);
  CHECK_FALSE(c.get("http://a.test/other").second);
  CHECK_FALSE(c.get("http://b.test/").second);
  CHECK(p.asked[0].field("Cookie") == "");
  CHECK(p.asked[1].field("Cookie") == "a=1");
  CHECK(p.asked[2].field("Cookie") == "b=2; a=1");
  CHECK(p.asked[3].field("Cookie") == "");
  // By the host that is asked for, wherever that is.
  auto [r, err] = http::new_request("GET", "http://192.0.2.1/");
  r.host = "a.test";
  r.header.set("Cookie", "own=0");
  CHECK_FALSE(c.do_(r).second);
  CHECK(p.asked[4].field("Cookie") == "own=0; a=1");
}

TEST_CASE("http client: an answer always has a body") {
  http::response given;
  given.status_code = 200;
  const http::client c = client_of([&given](const http::request&) { return http::round_trip_result(given, nullptr); });
  auto [answer, err] = c.get("http://a.test/");
  CHECK_FALSE(err);
  CHECK(io::read_all(answer.body).first == "");
  given.content_length = 5;
  CHECK_FALSE(c.head("http://a.test/").second);
  CHECK(
      c.get("http://a.test/").second.text() ==
      "Get \"http://a.test/\": http: RoundTripper implementation returned a *Response with content length 5 but a nil "
      "Body");
}

TEST_CASE("http client: idle connections are the transport's matter") {
  struct keeping {
    int closed = 0;
    http::round_trip_result round_trip(const http::request&) { return {}; }
    void close_idle_connections() { closed++; }
  } t;
  client_of(&t).close_idle_connections();
  CHECK(t.closed == 1);
  client_of(fails("")).close_idle_connections();
  CHECK(&http::default_client() == &http::default_client());
}

FIBER_TEST("http client: the time limit ends a call that gets no answer") {
  http::client c = client_of(stalls_before);
  c.timeout = 5ms;
  const error err = c.get("http://a.test/").second;
  CHECK(err.text() ==
        "Get \"http://a.test/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  CHECK(err.timeout());
  CHECK(errors::is(err, context::deadline_exceeded));
}

FIBER_TEST("http client: the time limit is for redirects and bodies, too") {
  http::client c = client_of([](const http::request& r) -> http::round_trip_result {
    if (r.url.path == "/body") {
      return stalls_in_body(r);
    }
    http::response answer;
    answer.status_code = 302;
    answer.header.set("Location", "/body");
    return {std::move(answer), nullptr};
  });
  c.timeout = 5ms;
  auto [answer, err] = c.get("http://a.test/");
  CHECK_FALSE(err);
  auto [all, torn] = io::read_all(answer.body);
  CHECK(all == "x");
  CHECK(torn.text() == "context deadline exceeded (Client.Timeout or context cancellation while reading body)");
  CHECK(torn.timeout());
  answer.body.close();
}

FIBER_TEST("http client: a context of the caller's own that ends before says so itself") {
  http::client c = client_of(stalls_before);
  c.timeout = 1h;
  auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
  auto [r, err] = http::new_request_with_context(ctx, "GET", "http://a.test/");
  const error late = c.do_(r).second;
  CHECK(late.text() == "Get \"http://a.test/\": context deadline exceeded");
  CHECK(late.timeout());
  cancel();
  auto [other, stop] = context::with_cancel(context::background());
  stop();
  CHECK(c.do_(r.with_context(other)).second.text() == "Get \"http://a.test/\": context canceled");
}

FIBER_TEST("http client: the limit's context ends with the body") {
  http::client c = client_of(stalls_in_body);
  c.timeout = 1h;
  auto [answer, err] = c.get("http://a.test/");
  CHECK_FALSE(err);
  const context::context ctx = answer.request->context();
  CHECK(ctx.deadline());
  CHECK_FALSE(ctx.err());
  answer.body.close();
  CHECK(ctx.err());

  played p([](http::response_writer& w, http::request&) { w.write("all"); });
  c.transport = &p;
  auto [read, none] = c.get("http://a.test/");
  const context::context second = read.request->context();
  CHECK(io::read_all(read.body).first == "all");
  CHECK(second.err());
  auto [left, still_none] = c.get("http://a.test/");
  const context::context third = left.request->context();
  left = {};
  CHECK(third.err());
}

FIBER_TEST("http client: one is for any number of fibers") {
  std::atomic<int> asked = 0;
  http::client c = client_of([&asked](const http::request& r) -> http::round_trip_result {
    asked++;
    http::response answer;
    answer.status_code = r.url.path == "/end" ? 200 : 302;
    answer.header.set("Location", "/end");
    answer.header.add("Set-Cookie", "c=" + r.url.path.substr(1));
    return {std::move(answer), nullptr};
  });
  c.jar = http::cookiejar::new_jar();
  support::crew fibers;
  for (int i = 0; i < 50; i++) {
    fibers.go([&c, i] { CHECK(c.get("http://a.test/" + std::to_string(i)).first.status_code == 200); });
  }
  fibers.join();
  CHECK(asked == 100);
}
