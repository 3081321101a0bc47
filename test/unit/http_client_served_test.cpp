// Clients and a server in memory, with all that lies between them.
#include <gossamer/http/client.hpp>
#include <gossamer/http/respond.hpp>
#include <gossamer/http/serve_mux.hpp>
#include <gossamer/http/test_server.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"

using namespace gossamer;
namespace test = http::test;

namespace {

using writer = http::response_writer;

std::string text_of(http::round_trip_result got) {
  auto& [answer, err] = got;
  if (err) {
    return "(" + err.text() + ")";
  }
  auto [text, torn] = io::read_all(answer.body);
  answer.body.close();
  return torn ? text + "(" + torn.text() + ")" : text;
}

// METHOD PATH: BODY
void echo(writer& w, http::request& r) {
  const auto [text, err] = io::read_all(r.body);
  CHECK_FALSE(err);
  w.write(r.method + ' ' + r.host + r.url.path + ": " + text);
}

// Waits until the client has gone, and says so.
http::handler waits(bool after_a_byte, send_chan<void> gone) {
  return [=](writer& w, http::request& r) {
    if (after_a_byte) {
      w.write("x");
      CHECK_FALSE(w.flush());
    }
    r.context().done().recv();
    gone.send();
  };
}

}  // namespace

FIBER_TEST("http client served: whatever host is asked for it is this one") {
  test::server srv(echo);
  http::client& c = srv.client();
  CHECK(text_of(c.get(srv.url())) == "GET example.com/: ");
  CHECK(text_of(c.get("http://a.test:81/x")) == "GET a.test:81/x: ");
  CHECK(text_of(c.post("http://b.test/", "text/plain", "some text")) == "POST b.test/: some text");
  CHECK(text_of(c.post_form("http://b.test/", {{"a", "1"}})) == "POST b.test/: a=1");
}

FIBER_TEST("http client served: redirects, with the body sent again where it must be") {
  http::serve_mux mux;
  mux.handle("/again", http::redirect_handler("/end", http::status_temporary_redirect));
  mux.handle("/see", http::redirect_handler("/end", http::status_see_other));
  mux.handle_func("/end", echo);
  mux.handle_func("/loop", [](writer& w, http::request& r) { http::redirect(w, r, "/loop", http::status_found); });
  test::server srv(mux);
  http::client& c = srv.client();
  const std::string big(100'000, 'b');
  CHECK(text_of(c.post("http://a.test/again", "t", big)) == "POST a.test/end: " + big);
  CHECK(text_of(c.post("http://a.test/see", "t", big)) == "GET a.test/end: ");
  CHECK(text_of(c.get("http://a.test/loop")) == "(Get \"/loop\": stopped after 10 redirects)");
}

FIBER_TEST("http client served: a login by cookie") {
  http::serve_mux mux;
  mux.handle_func("/login", [](writer& w, http::request& r) {
    w.header().add("Set-Cookie", "id=7; Path=/; HttpOnly");
    http::redirect(w, r, "/home", http::status_see_other);
  });
  mux.handle_func("/home", [](writer& w, http::request& r) { w.write("user " + r.cookie("id").first.value); });
  test::server srv(mux);
  http::client c = srv.client();
  CHECK(text_of(c.post_form("http://a.test/login", {})) == "user ");
  c.jar = http::cookiejar::new_jar();
  CHECK(text_of(c.post_form("http://a.test/login", {})) == "user 7");
  CHECK(text_of(c.get("http://a.test/home")) == "user 7");
}

FIBER_TEST("http client served: the time limit ends the request at its server, too") {
  for (const bool in_body : {false, true}) {
    CHECK(support::with_a_limit(20ms, [&](std::chrono::nanoseconds limit) {
      auto gone = make_chan<void>(1);
      std::atomic<int> begun = 0;
      test::server srv([&, handler = waits(in_body, gone)](writer& w, http::request& r) {
        ++begun;
        handler(w, r);
      });
      http::client c = srv.client();
      c.timeout = limit;
      const std::string text = text_of(c.get("http://a.test/"));
      if (begun == 0 || (in_body && !text.starts_with("x"))) {
        return false;
      }
      CHECK(text == (in_body
                         ? "x(context deadline exceeded (Client.Timeout or context cancellation while reading body))"
                         : "(Get \"http://a.test/\": context deadline exceeded (Client.Timeout exceeded while "
                           "awaiting headers))"));
      gone.recv();
      return true;
    }));
  }
}

FIBER_TEST("http client served: so does the caller's context, with the text of its cause") {
  auto gone = make_chan<void>(1);
  test::server srv(waits(true, gone));
  auto [ctx, cancel] = context::with_cancel_cause(context::background());
  auto [r, err] = http::new_request_with_context(ctx, "GET", "http://a.test/");
  auto [answer, failed] = srv.client().do_(r);
  CHECK_FALSE(failed);
  char byte[1];
  CHECK(answer.body.read(byte).first == 1);
  cancel(errors::make("enough"));
  CHECK(answer.body.read(byte).second.text() == "enough");
  gone.recv();
  CHECK(srv.client().do_(r).second.text() == "Get \"http://a.test/\": enough");
}

FIBER_TEST("http client served: an answer that is dropped leaves nothing") {
  auto gone = make_chan<void>(1);
  test::server srv(waits(true, gone));
  CHECK_FALSE(srv.client().get("http://a.test/").second);
  gone.recv();
}

FIBER_TEST("http client served: after 101 the body is the connection, and the time limit is over") {
  test::server srv([](writer& w, http::request&) {
    auto [c, err] = w.hijack();
    CHECK_FALSE(err);
    c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhi");
    io::copy(c, c);
    c.close();
  });
  http::client c = srv.client();
  c.timeout = 1h;
  auto [r, err] = http::new_request("GET", "http://a.test/");
  r.header.set("Connection", "Upgrade");
  r.header.set("Upgrade", "x");
  auto [answer, failed] = c.do_(r);
  CHECK_FALSE(failed);
  CHECK(answer.status_code == 101);
  const net::conn* const conn = answer.body.as<net::conn>();
  CHECK(conn != nullptr);
  if (conn != nullptr) {
    CHECK_FALSE(conn->write("there").second);
    conn->close_write();
    CHECK(io::read_all(*conn).first == "hithere");
  }
  answer.body.close();
}

FIBER_TEST("http client served: many fibers, and each gets its own") {
  test::server srv(echo);
  support::crew fibers;
  for (int i = 0; i < support::scale(100); i++) {
    fibers.go([&c = srv.client(), i] {
      const std::string text(static_cast<std::size_t>(i) * 100, 'a');
      CHECK(text_of(c.post("http://a.test/" + std::to_string(i), "t", text)) ==
            "POST a.test/" + std::to_string(i) + ": " + text);
    });
  }
  fibers.join();
}

FIBER_TEST("http client served: closing the server closes what its client has kept") {
  test::server srv(echo);
  CHECK(text_of(srv.client().get("http://a.test/")) == "GET a.test/: ");
  srv.close();
  CHECK(text_of(srv.client().get("http://a.test/")) ==
        "(Get \"http://a.test/\": dial tcp 192.0.2.1:80: connect: connection refused)");
}
