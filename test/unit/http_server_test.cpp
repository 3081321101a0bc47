// http: what a server's answers look like on the wire. The right values are what Go 1.27.3 was seen to send.
#include <gossamer/http.hpp>

#include <atomic>
#include <string>
#include <string_view>

#include "http_served.hpp"

using namespace gossamer;
using support::ask;
using support::served;
using support::without_date;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

std::string request_of(std::string_view method, std::string_view more = {}, std::string_view body = {}) {
  return std::string(method) + " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

std::string answer_of(http::handler h, std::string_view to = get) {
  served s(std::move(h));
  s.start();
  return without_date(ask(s, to));
}

}  // namespace

FIBER_TEST("http server: a small answer has its length and its type, and a date") {
  served s([](http::response_writer& w, http::request&) { w.write("hi"); });
  s.start();
  const std::string all = ask(s, get);
  CHECK(all.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  CHECK(
      all.find(" GMT\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nhi") !=
      std::string::npos);
}

FIBER_TEST("http server: the handler's own fields come first, sorted, with line ends made blanks") {
  CHECK(answer_of([](http::response_writer& w, http::request&) {
          w.header().set("x-lower-name", " a ");
          w.header().set("Content-Type", "a/b");
          w.header().set("Bad Name", "c");
          w.header().add("B", "1\r\nInjected: 2");
          w.write("hi");
        }) ==
        "HTTP/1.1 200 OK\r\nB: 1  Injected: 2\r\nContent-Type: a/b\r\nX-Lower-Name: a\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\nhi");
}

FIBER_TEST("http server: nothing written, statuses without a body, HEAD") {
  CHECK(answer_of([](http::response_writer&, http::request&) {}) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(answer_of([](http::response_writer& w, http::request&) {
          w.write_header(http::status_no_content);
          CHECK(w.write("x").second == http::body_not_allowed);
        }) == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  CHECK(answer_of([](http::response_writer& w, http::request&) {
          w.header().set("Content-Type", "a/b");
          w.header().set("Content-Length", "7");
          w.header().set("Last-Modified", "x");
          w.write_header(http::status_not_modified);
        }) == "HTTP/1.1 304 Not Modified\r\nLast-Modified: x\r\nConnection: close\r\n\r\n");
  CHECK(answer_of([](http::response_writer& w, http::request&) { w.write("hi"); }, request_of("HEAD")) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n");
  CHECK(answer_of([](http::response_writer& w, http::request&) { w.write_header(799); }) ==
        "HTTP/1.1 799 status code 799\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

FIBER_TEST("http server: more than 2 KiB, or a flush, goes out in chunks; to HTTP/1.0 until the end") {
  const std::string big(2049, 'x');
  const auto send_big = [&](http::response_writer& w, http::request&) { w.write(big); };
  CHECK(answer_of(send_big) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nTransfer-Encoding: "
        "chunked\r\n\r\n801\r\n" +
            big + "\r\n0\r\n\r\n");
  const auto flushes = [](http::response_writer& w, http::request&) {
    w.write("one");
    CHECK(http::response_controller(w).flush() == nil);
    w.write("two");
    w.write("three");
  };
  CHECK(answer_of(flushes) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\none\r\n8\r\ntwothree\r\n0\r\n\r\n");
  CHECK(answer_of(flushes, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
        "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nonetwothree");
}

FIBER_TEST("http server: a declared length is kept to, or the connection ends") {
  const auto declares = [](std::string_view text, bool fits) {
    return [=](http::response_writer& w, http::request&) {
      w.header().set("Content-Length", "5");
      const auto [n, err] = w.write(text);
      CHECK(n == (fits ? text.size() : 0));
      CHECK((err == http::content_length_exceeded) != fits);
    };
  };
  const std::string keep = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(answer_of(declares("abc", true), keep) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nabc");
  CHECK(answer_of(declares("abcdefg", false), keep) == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

FIBER_TEST("http server: statuses: the first counts, 1xx go out at once, a bad one panics") {
  served s([](http::response_writer& w, http::request& r) {
    if (r.request_uri == "/bad") {
      w.write_header(99);
    }
    w.header().set("Link", "</a>");
    w.write_header(http::status_early_hints);
    w.write_header(http::status_accepted);
    w.write_header(http::status_ok);
    w.header().set("Late", "x");
  });
  s.start();
  CHECK(without_date(ask(s, get)) ==
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 202 Accepted\r\nLink: </a>\r\nContent-Length: "
        "0\r\nConnection: close\r\n\r\n");
  CHECK(s.log().find("http: superfluous response.WriteHeader call from ") != std::string::npos);
  CHECK(s.log().find("http_server_test.cpp:") != std::string::npos);
  CHECK(ask(s, "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n").empty());
  CHECK(s.log().find("http: panic serving 127.0.0.1:") != std::string::npos);
  CHECK(s.log().find(": invalid WriteHeader code 99\n") != std::string::npos);
}

FIBER_TEST("http server: trailers, declared before or by their prefix") {
  CHECK(answer_of([](http::response_writer& w, http::request&) {
          w.header().set("Trailer", "Zeta, alpha, Content-Length");
          w.header().set("Content-Type", "a/b");
          w.write("x");
          w.header().set("Zeta", "1");
          w.header().set("Alpha", "2");
          w.header().set("Trailer:mid", "3");
          w.header().set("Other", "4");
        }) ==
        "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTrailer: Zeta, alpha, Content-Length\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAlpha: 2\r\nMid: 3\r\nZeta: 1\r\n\r\n");
}

FIBER_TEST("http server: very many fields, with trailers and without") {
  for (const bool declares : {false, true}) {
    const std::string answer = answer_of([declares](http::response_writer& w, http::request&) {
      for (int i = 0; i < 20'000 / support::slowdown; i++) {
        w.header().add("A", "");
        if (declares) {
          w.header().add("Trailer", "T" + std::to_string(i));
        }
      }
      w.write("x");
      w.flush();
      w.header().add("T7", "seven");
    });
    CHECK(answer.ends_with(declares ? "1\r\nx\r\n0\r\nT7: seven\r\n\r\n" : "1\r\nx\r\n0\r\n\r\n"));
  }
}

FIBER_TEST("http server: 100 by a handler goes out as it is, and not once more for who reads the body") {
  served s([](http::response_writer& w, http::request& r) {
    w.header().set("X", "1");
    w.write_header(http::status_continue);
    w.header().del("X");
    CHECK(io::read_all(r.body).first == "ab");
    w.write("x");
  });
  s.start();
  for (const std::string_view expect : {"", "Expect: 100-continue\r\n"}) {
    CHECK(ask(s, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + std::string(expect) +
                     "Content-Length: 2\r\n\r\nab")
              .starts_with("HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\n"));
  }
}

FIBER_TEST("http server: trailers that are announced have their names before they come") {
  const auto names = [](http::response_writer& w, http::request& r) {
    const auto tell = [&] {
      for (const auto& f : r.trailer) {
        w.write(f.name + "=" + f.value + "; ");
      }
    };
    tell();
    CHECK(io::read_all(r.body).second == nil);
    w.write("then ");
    tell();
    CHECK_FALSE(r.header.has("Trailer"));
  };
  const std::string body = "1\r\nx\r\n0\r\nx-sum: 1\r\nX-Sum: 2\r\nX-New: 3\r\n\r\n";
  CHECK(answer_of(names, request_of("POST",
                                    "Transfer-Encoding: chunked\r\nTrailer: X-Sum, content-length, a b\r\n"
                                    "Trailer: X-Late, x-sum,,\r\n",
                                    body))
            .ends_with("\r\n\r\nX-Late=; X-Sum=; then X-Late=; X-Sum=1; X-Sum=2; X-New=3; "));
  CHECK(
      answer_of(names, request_of("POST", "Trailer: X-Sum\r\nContent-Length: 1\r\n", "x")).ends_with("\r\n\r\nthen "));
  std::string many;
  for (int i = 0; i < 501; i++) {
    many += "X" + std::to_string(i) + ",";
  }
  CHECK(answer_of(names, request_of("POST", "Transfer-Encoding: chunked\r\nTrailer: " + many + "\r\n", body))
            .ends_with("\r\n\r\nthen X-Sum=1; X-Sum=2; X-New=3; "));
}

FIBER_TEST("http server: a target is a path, a whole URL, or what its method alone can have") {
  const auto keep = [](http::response_writer& w, http::request& r) { w.write(r.url.path); };
  served s(keep);
  s.start();
  const auto asked = [&](const std::string& line) {
    return ask(s, line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").substr(9, 3);
  };
  for (const char* const bad :
       {"GET http:http://evil/admin", "GET http:x/../admin", "GET mailto:me", "GET *", "OPTIONS http:*", "GET x/y"}) {
    CHECK(asked(bad) == "400");
  }
  for (const char* const good : {"GET /x", "GET http://x/y", "OPTIONS *", "OPTIONS /x", "CONNECT h:1"}) {
    CHECK(asked(good) == "200");
  }
}

FIBER_TEST("http server: HTTP/1.0 is answered so, and kept open where it asks and the length is known") {
  served s([](http::response_writer& w, http::request&) { w.write("hi"); });
  s.start();
  CHECK(without_date(ask(s, "GET / HTTP/1.0\r\n\r\n")) ==
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi");
  CHECK(without_date(ask(s, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")) ==
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: keep-alive"
        "\r\n\r\nhiHTTP/1.0 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi");
}

FIBER_TEST("http server: pipelined requests are answered in their order") {
  served s([](http::response_writer& w, http::request& r) { w.write(r.url.path); });
  s.start();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n" + (i == 49 ? "Connection: close\r\n" : "") + "\r\n";
  }
  const std::string answers = ask(s, all);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("\r\n\r\n/" + std::to_string(i), at);
    CHECK(at != std::string::npos);
  }
}

FIBER_TEST("http server: bodies by length and in chunks, with trailers that nobody has announced") {
  const auto echo = [](http::response_writer& w, http::request& r) {
    const auto [text, err] = io::read_all(r.body);
    CHECK(err == nil);
    w.write(std::to_string(r.content_length) + r.transfer_encoding + ":");
    w.write(text);
    w.write(r.trailer.get("X-Sum"));
  };
  CHECK(answer_of(echo, request_of("POST", "Content-Length: 5\r\n", "hello")).ends_with("\r\n\r\n5:hello"));
  CHECK(answer_of(echo, request_of("POST", "Transfer-Encoding: chunked\r\n",
                                   "3;ext=1\r\nhel\r\n02\r\nlo\r\n0\r\nX-Sum: abc\r\n\r\n"))
            .ends_with("\r\n\r\n-1chunked:helloabc"));
  CHECK(answer_of(echo, get).ends_with("\r\n\r\n0:"));
}

FIBER_TEST("http server: a body that is left is read up to 256 KiB, and the connection kept") {
  served s([](http::response_writer& w, http::request&) { w.write("no"); });
  s.start();
  const auto send = [&](std::size_t n) {
    return ask(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(n) + "\r\n\r\n" +
                      std::string(n, 'b') + std::string(get));
  };
  const std::string kept = without_date(send(200'000));
  CHECK(kept.find("no"
                  "HTTP/1.1 200 OK") != std::string::npos);
  const std::string ended = without_date(send(300'000));
  CHECK(ended ==
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: "
        "close\r\n\r\nno");
}

FIBER_TEST("http server: 100-continue is said when the body is read, and only then") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  served s([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/read") {
      CHECK(io::read_all(r.body).first.size() == 2);
    }
    w.write("x");
  });
  s.start();
  CHECK(
      without_date(ask(s, head)) ==
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nx");
  const net::conn c = s.dial();
  c.write("POST /read HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(support::read_n(c, go_on.size()) == go_on);
  c.write("ab");
  CHECK(support::read_to_end(c).ends_with("\r\n\r\nx"));
  c.close();
  CHECK(ask(s, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n")
            .starts_with("HTTP/1.1 417 Expectation Failed\r\n"));
}

FIBER_TEST("http server: a body that ends early: the read says so, and the answer is still sent") {
  served s([](http::response_writer& w, http::request& r) {
    CHECK(io::read_all(r.body).second == io::unexpected_eof);
    w.write("short");
  });
  s.start();
  const net::conn c = s.dial();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  c.close_write();
  CHECK(support::read_to_end(c).ends_with("short"));
  c.close();
}

FIBER_TEST("http server: a panic costs its connection, and is logged with where it came from") {
  served s([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/late") {
      w.write(std::string(5000, 'x'));
    }
    w.write("never sent");
    if (r.url.path == "/abort") {
      panic(http::abort_handler);
    }
    if (r.url.path == "/std") {
      throw std::runtime_error("thrown");
    }
    panic("boom\nline");
  });
  s.start();
  const auto to = [&](std::string_view path) {
    return ask(s, "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  CHECK(to("/abort").empty());
  CHECK(s.log().empty());
  CHECK(to("/").empty());
  CHECK(s.log().find(": boom\\x0aline\n") != std::string::npos);
  CHECK(s.log().find("http: panic serving 127.0.0.1:") == 0);
  CHECK(to("/std").empty());
  CHECK(s.log().find(": thrown\n") != std::string::npos);
  const std::string late = to("/late");
  CHECK(late.find("xxx") != std::string::npos);
  CHECK_FALSE(late.ends_with("0\r\n\r\n"));
}

FIBER_TEST("http server: goexit in a handler ends its connection alone") {
  context::context seen;
  served s([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/exit") {
      seen = r.context();
      runtime::goexit();
    }
    w.write("here");
  });
  s.start();
  CHECK(ask(s, "GET /exit HTTP/1.1\r\nHost: a\r\n\r\n").empty());
  CHECK(ask(s, get).ends_with("here"));
  s.stop();  // what a handler has written is seen then
  CHECK(seen.err() == context::canceled);
}

FIBER_TEST("http server: OPTIONS * is answered here, and CONNECT and absolute targets are the handler's") {
  served s([](http::response_writer& w, http::request& r) { w.write(r.method + " " + r.host + " " + r.url.path); });
  s.start();
  CHECK(without_date(ask(s, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(ask(s, "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\nConnection: close\r\n\r\n").ends_with("CONNECT b:1 "));
  CHECK(ask(s, "GET http://b/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ends_with("GET b /x"));
}
