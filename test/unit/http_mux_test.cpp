// serve_mux: which handler answers. What is expected was asked of Go 1.27.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/serve_mux.hpp"
#include "gossamer/http/test.hpp"
#include "gossamer/sync/wait_group.hpp"

using namespace gossamer;

namespace {

http::request request_of(std::string_view method, std::string_view host, std::string_view target) {
  http::request r = http::test::new_request(method, target);
  r.host = host;
  return r;
}

// What handler_of() and the request say, the status, Allow, Location, Connection, and the body with `$` for lines'
// ends.
std::string answer(const http::serve_mux& mux, http::request r) {
  std::string all = mux.handler_of(r).second + "|";
  http::test::recorder rec;
  mux.serve_http(rec, r);
  all += r.pattern + "|" + std::to_string(rec.code);
  for (const char* const name : {"Allow", "Location", "Connection"}) {
    all.append("|").append(rec.sent().get(name));
  }
  all += "|";
  for (const char c : rec.body) {
    all += c == '\n' ? '$' : c;
  }
  return all;
}

void show(http::response_writer& w, http::request& r) {
  std::string text = r.pattern;
  for (const char* const name : {"a", "b", "c"}) {
    text.append(" ").append(name).append("=").append(r.path_value(name));
  }
  w.write(text);
}

struct row {
  std::string_view method, host, target, expected;
};

void check_all(const std::vector<std::string_view>& patterns, const std::vector<row>& rows) {
  const http::serve_mux mux;
  for (const std::string_view p : patterns) {
    mux.handle_func(p, show);
  }
  for (const auto& [method, host, target, expected] : rows) {
    CAPTURE(method);
    CAPTURE(host);
    CAPTURE(target);
    CHECK(answer(mux, request_of(method, host, target)) == expected);
  }
}

}  // namespace

TEST_CASE("http mux: the most specific pattern counts; paths are cleaned and get their slash") {
  check_all(
      {"/",
       "/a",
       "/a/{$}",
       "/dir/",
       "GET /only",
       "POST /only",
       "HEAD /z",
       "GET /z",
       "GET /k/{a}",
       "HEAD /k/b",
       "/f/{a}/{b...}",
       "h.com/",
       "h.com/{a}",
       "GET h.com/x/{b}",
       "/s/",
       "/s/{$}",
       "/w/{a}/x",
       "/w/{a}/{b}/y",
       "/lit%20eral/{a}",
       "/%C3%A9",
       "CONNECT /c/{a}/",
       "PUT /m/{a}",
       "DELETE /m/{a}",
       "GET /m/{a}/n",
       "OPTIONS h.com/o"},
      {
          {"GET", "", "/", "/|/|200||||/ a= b= c="},
          {"GET", "", "/a", "/a|/a|200||||/a a= b= c="},
          {"POST", "", "/a", "/a|/a|200||||/a a= b= c="},
          {"GET", "", "/a/", "/a/{$}|/a/{$}|200||||/a/{$} a= b= c="},
          {"GET", "", "/a/b", "/|/|200||||/ a= b= c="},
          {"GET", "", "/dir", "/dir/|/dir/|307||/dir/||<a href=\"/dir/\">Temporary Redirect</a>.$$"},
          {"GET", "", "/dir?q=1", "/dir/|/dir/|307||/dir/?q=1||<a href=\"/dir/?q=1\">Temporary Redirect</a>.$$"},
          {"POST", "", "/dir", "/dir/|/dir/|307||/dir/||"},
          {"GET", "", "/dir/x/y", "/dir/|/dir/|200||||/dir/ a= b= c="},
          {"GET", "", "/only", "GET /only|GET /only|200||||GET /only a= b= c="},
          {"HEAD", "", "/only", "GET /only|GET /only|200||||GET /only a= b= c="},
          {"PUT", "", "/only", "/|/|200||||/ a= b= c="},
          {"HEAD", "", "/z", "HEAD /z|HEAD /z|200||||HEAD /z a= b= c="},
          {"GET", "", "/z", "GET /z|GET /z|200||||GET /z a= b= c="},
          {"HEAD", "", "/k/b", "HEAD /k/b|HEAD /k/b|200||||HEAD /k/b a= b= c="},
          {"HEAD", "", "/k/c", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=c b= c="},
          {"GET", "", "/k/b", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=b b= c="},
          {"GET", "", "/k/a%2Fb", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=a/b b= c="},
          {"POST", "", "/k/b", "/|/|200||||/ a= b= c="},
          {"GET", "", "/f/1/", "/f/{a}/{b...}|/f/{a}/{b...}|200||||/f/{a}/{b...} a=1 b= c="},
          {"GET", "", "/f/1", "/f/{a}/{b...}|/f/{a}/{b...}|307||/f/1/||<a href=\"/f/1/\">Temporary Redirect</a>.$$"},
          {"GET", "", "/f/1/2/3", "/f/{a}/{b...}|/f/{a}/{b...}|200||||/f/{a}/{b...} a=1 b=2/3 c="},
          {"GET", "", "/f/1/a%2Fb/c%20d", "/f/{a}/{b...}|/f/{a}/{b...}|200||||/f/{a}/{b...} a=1 b=a/b/c d c="},
          {"GET", "", "/f//2", "/f/{a}/{b...}|/f/{a}/{b...}|307||/f/2/||<a href=\"/f/2/\">Temporary Redirect</a>.$$"},
          {"GET", "", "/f/a%2fb/%41", "/f/{a}/{b...}|/f/{a}/{b...}|200||||/f/{a}/{b...} a=a/b b=A c="},
          {"GET", "h.com", "/", "h.com/|h.com/|200||||h.com/ a= b= c="},
          {"GET", "h.com:8080", "/v", "h.com/{a}|h.com/{a}|200||||h.com/{a} a=v b= c="},
          {"GET", "h.com:8080", "/x/1", "GET h.com/x/{b}|GET h.com/x/{b}|200||||GET h.com/x/{b} a= b=1 c="},
          {"POST", "h.com", "/x/1", "h.com/|h.com/|200||||h.com/ a= b= c="},
          {"GET", "H.com", "/v", "/|/|200||||/ a= b= c="},
          {"GET", "h.com.", "/v", "/|/|200||||/ a= b= c="},
          {"GET", "[::1]:80", "/a", "/a|/a|200||||/a a= b= c="},
          {"OPTIONS", "h.com", "/o", "OPTIONS h.com/o|OPTIONS h.com/o|200||||OPTIONS h.com/o a= b= c="},
          {"GET", "", "/s/", "/s/{$}|/s/{$}|200||||/s/{$} a= b= c="},
          {"GET", "", "/s", "/s/{$}|/s/{$}|307||/s/||<a href=\"/s/\">Temporary Redirect</a>.$$"},
          {"GET", "", "/s/x", "/s/|/s/|200||||/s/ a= b= c="},
          {"GET", "", "/w/1/x", "/w/{a}/x|/w/{a}/x|200||||/w/{a}/x a=1 b= c="},
          {"GET", "", "/w/1/2/y", "/w/{a}/{b}/y|/w/{a}/{b}/y|200||||/w/{a}/{b}/y a=1 b=2 c="},
          {"GET", "", "/w/1/z", "/|/|200||||/ a= b= c="},
          {"GET", "", "/w//x", "/|/|307||/w/x||<a href=\"/w/x\">Temporary Redirect</a>.$$"},
          {"GET", "", "/lit%20eral/1", "/lit%20eral/{a}|/lit%20eral/{a}|200||||/lit%20eral/{a} a=1 b= c="},
          {"GET", "", "/é", "/%C3%A9|/%C3%A9|200||||/%C3%A9 a= b= c="},
          {"GET", "", "/%c3%a9", "/%C3%A9|/%C3%A9|200||||/%C3%A9 a= b= c="},
          {"GET", "", "/a/../k/1", "GET /k/{a}|GET /k/{a}|307||/k/1||<a href=\"/k/1\">Temporary Redirect</a>.$$"},
          {"GET", "", "/./a", "/a|/a|307||/a||<a href=\"/a\">Temporary Redirect</a>.$$"},
          {"GET", "", "//a", "/a|/a|307||/a||<a href=\"/a\">Temporary Redirect</a>.$$"},
          {"GET", "", "/k/.", "/|/|307||/k||<a href=\"/k\">Temporary Redirect</a>.$$"},
          {"GET", "", "/k/.b", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=.b b= c="},
          {"GET", "", "/k/..b/", "/|/|200||||/ a= b= c="},
          {"GET", "", "/.well-known/x", "/|/|200||||/ a= b= c="},
          {"GET", "", "/a/b/../../dir?x=/../",
           "/dir/|/dir/|307||/dir/?x=/../||<a href=\"/dir/?x=/../\">Temporary Redirect</a>.$$"},
          {"CONNECT", "", "/c/1/", "CONNECT /c/{a}/|CONNECT /c/{a}/|200||||CONNECT /c/{a}/ a=1 b= c="},
          {"CONNECT", "", "/c/1", "/c/1/|/c/1/|307||/c/1/||"},
          {"CONNECT", "", "/c/../1", "CONNECT /c/{a}/|CONNECT /c/{a}/|200||||CONNECT /c/{a}/ a=.. b= c="},
          {"CONNECT", "", "/nope", "/|/|200||||/ a= b= c="},
          {"PATCH", "", "/m/1", "/|/|200||||/ a= b= c="},
          {"PATCH", "", "/m/1/n", "/|/|200||||/ a= b= c="},
          {"get", "", "/only", "/|/|200||||/ a= b= c="},
          {"GET", "", "/m/1/", "/|/|200||||/ a= b= c="},
          {"GET", "", "/k/x;y=1,2", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=x;y=1,2 b= c="},
          {"GET", "", "/k/%25", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=% b= c="},
          {"GET", "", "/k/a+b", "GET /k/{a}|GET /k/{a}|200||||GET /k/{a} a=a+b b= c="},
          {"GET", "", "/%2F", "/|/|200||||/ a= b= c="},
          {"GET", "", "/s/%2F", "/s/{$}|/s/{$}|200||||/s/{$} a= b= c="},
          {"GET", "", "/k/%2F", "/|/|200||||/ a= b= c="},
          {"OPTIONS", "", "*", "/||400|||close|"},
          {"GET", "", "http://h.com/v", "/|/|200||||/ a= b= c="},
      });
}

TEST_CASE("http mux: what matches nothing is 404, and what another method matches is 405") {
  check_all(
      {"GET /a", "POST /a/b", "HEAD /z", "GET /z/", "GET h/a", "PUT h/a", "/any/{a}/", "M-X /m/{a...}"},
      {
          {"GET", "", "/", "||404||||404 page not found$"},
          {"PUT", "", "/a", "||405|GET, HEAD|||Method Not Allowed$"},
          {"PUT", "h", "/a", "PUT h/a|PUT h/a|200||||PUT h/a a= b= c="},
          {"POST", "h", "/a", "||405|GET, HEAD, PUT|||Method Not Allowed$"},
          {"GET", "", "/a/b", "||405|POST|||Method Not Allowed$"},
          {"POST", "", "/z", "||405|GET, HEAD|||Method Not Allowed$"},
          {"GET", "", "/z", "GET /z/|GET /z/|307||/z/||<a href=\"/z/\">Temporary Redirect</a>.$$"},
          {"POST", "", "/z/y", "||405|GET, HEAD|||Method Not Allowed$"},
          {"GET", "", "/any/1", "/any/{a}/|/any/{a}/|307||/any/1/||<a href=\"/any/1/\">Temporary Redirect</a>.$$"},
          {"GET", "", "/m", "||405|M-X|||Method Not Allowed$"},
          {"M-X", "", "/m", "M-X /m/{a...}|M-X /m/{a...}|307||/m/||"},
          {"GET", "", "/m/1", "||405|M-X|||Method Not Allowed$"},
          {"CONNECT", "", "/a", "||405|GET, HEAD|||Method Not Allowed$"},
          {"GET", "", "/a/", "||404||||404 page not found$"},
          {"PUT", "", "/a/../a", "||307||/a||"},
      });
}

TEST_CASE("http mux: one without patterns answers 404") {
  const http::serve_mux mux;
  CHECK(answer(mux, request_of("GET", "h", "/")) == "||404||||404 page not found$");
}

TEST_CASE("http mux: OPTIONS * of HTTP/1.0 says nothing of the connection") {
  http::request r = request_of("OPTIONS", "", "*");
  r.proto_minor = 0;
  CHECK(answer(http::serve_mux(), r) == "||400||||");
}

TEST_CASE("http mux: an empty segment of a pattern matches an empty one only") {
  const http::serve_mux mux;
  mux.handle_func("//a", show);
  CHECK(mux.handler_of(request_of("CONNECT", "", "//a")).second == "//a");
  CHECK(mux.handler_of(request_of("GET", "", "/x/a")).second.empty());
  mux.handle_func("/{b}/a", show);
  CHECK(mux.handler_of(request_of("GET", "", "/x/a")).second == "/{b}/a");
}

TEST_CASE("http mux: a path of many segments, and long ones") {
  const http::serve_mux mux;
  std::string pattern;
  std::string target;
  for (int i = 0; i < 50; i++) {
    pattern += "/{x" + std::to_string(i) + "}";
    target += "/" + std::string(40, static_cast<char>('a' + i % 26)) + std::to_string(i);
  }
  mux.handle_func(pattern + "/end", [](http::response_writer& w, http::request& r) {
    w.write(std::string(r.path_value("x0")) + " " + std::string(r.path_value("x49")));
  });
  mux.handle_func(pattern + "/end-of-a-long-literal/{rest...}", show);
  http::request r = request_of("GET", "", target + "/end");
  http::test::recorder rec;
  mux.serve_http(rec, r);
  CHECK(rec.body == std::string(40, 'a') + "0 " + std::string(40, 'x') + "49");
  CHECK(mux.handler_of(request_of("GET", "", target + "/end-of-a-long-literal")).second ==
        pattern + "/end-of-a-long-literal/{rest...}");
  CHECK(mux.handler_of(request_of("GET", "", target + "/other")).second.empty());
}

TEST_CASE("http mux: texts that are much alike are told apart") {
  const http::serve_mux mux;
  std::vector<std::string> texts;
  for (std::size_t size = 0; size < 40; size++) {
    texts.emplace_back(size, 'a');
    for (std::size_t at = 0; at < size; at++) {
      texts.emplace_back(texts[texts.size() - at - 1]).replace(at, 1, "b");
    }
  }
  for (const std::string& t : texts) {
    mux.handle_func("/x" + t, show);
  }
  for (const std::string& t : texts) {
    CHECK(mux.handler_of(request_of("GET", "", "/x" + t)).second == "/x" + t);
    CHECK(mux.handler_of(request_of("GET", "", "/y" + t)).second.empty());
  }
}

TEST_CASE("http mux: an inner mux adds its values, and sets its pattern") {
  const http::serve_mux inner;
  inner.handle_func("/{b}", show);
  const http::serve_mux mux;
  mux.handle("/in/{a}/", http::strip_prefix("/in/1", inner));
  CHECK(answer(mux, request_of("GET", "", "/in/1/2")) == "/in/{a}/|/{b}|200||||/{b} a=1 b=2 c=");
}

TEST_CASE("http mux: a copy is the same mux, and so is a handler made of it") {
  http::serve_mux mux;
  const http::serve_mux copy = mux;
  const http::handler h = mux;
  http::serve_mux moved = std::move(mux);
  moved.handle_func("/a", show);
  http::request r = request_of("GET", "", "/a");
  http::test::recorder rec;
  h.serve_http(rec, r);
  CHECK(rec.body == "/a a= b= c=");
  CHECK(copy.handler_of(r).second == "/a");
  CHECK(copy == moved);
  CHECK(mux == moved);
  CHECK_FALSE(copy == http::serve_mux());
}

TEST_CASE("http mux: the default one is there at once") {
  http::handle_func("/default/{a}", show);
  http::handle("/other/", http::not_found_handler());
  CHECK(answer(http::default_serve_mux(), request_of("GET", "", "/default/1")) ==
        "/default/{a}|/default/{a}|200||||/default/{a} a=1 b= c=");
}

FIBER_TEST("http mux: patterns are registered while others match") {
  const http::serve_mux mux;
  mux.handle_func("/", show);
  const int patterns = support::scale(400);
  std::atomic<int> registered = 0;
  sync::wait_group wg;
  wg.go([&] {
    for (int i = 0; i < patterns; i++) {
      mux.handle_func("GET h/p" + std::to_string(i) + "/{a}", show);
      mux.handle_func("/p" + std::to_string(i) + "/{$}", show);
      ++registered;
      runtime::gosched();
    }
  });
  std::atomic<int> wrong = 0;
  for (int f = 0; f < 3; f++) {
    wg.go([&] {
      while (registered < patterns) {
        const int n = registered;
        for (int i = std::max(0, n - 3); i < n; i++) {
          const std::string base = "/p" + std::to_string(i) + "/";
          wrong += mux.handler_of(request_of("GET", "h:1", base + "x")).second != "GET h" + base + "{a}";
          wrong += mux.handler_of(request_of("PUT", "", base)).second != base + "{$}";
        }
        wrong += mux.handler_of(request_of("GET", "", "/none/" + std::to_string(n))).second != "/";
        runtime::gosched();
      }
    });
  }
  wg.wait();
  CHECK(wrong == 0);
}
