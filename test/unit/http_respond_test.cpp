// Usual answers, handlers that stand before others, and bounded bodies.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/http/max_bytes.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/test.hpp"
#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"

using namespace gossamer;

TEST_CASE("http error: plain text with a line's end; only the length that was set goes") {
  http::test::recorder rec;
  for (const char* const name : {"Content-Length", "Content-Encoding", "Etag", "Cache-Control", "Content-Type"}) {
    rec.header().set(name, "x");
  }
  http::error(rec, "no <b>", 418);
  CHECK(rec.code == 418);
  CHECK(rec.body == "no <b>\n");
  CHECK_FALSE(rec.sent().has("Content-Length"));
  CHECK(rec.sent().get("Content-Encoding") == "x");
  CHECK(rec.sent().get("ETag") == "x");
  CHECK(rec.sent().get("Cache-Control") == "x");
  CHECK(rec.sent().get("Content-Type") == "text/plain; charset=utf-8");
  CHECK(rec.sent().get("X-Content-Type-Options") == "nosniff");
}

TEST_CASE("http not_found: 404, by a call and as a handler") {
  http::request r = http::test::new_request("GET", "/");
  http::test::recorder rec;
  http::not_found_handler()(rec, r);
  CHECK(rec.code == 404);
  CHECK(rec.body == "404 page not found\n");
  http::test::recorder other;
  http::handler(http::not_found).serve_http(other, r);
  CHECK(other.body == rec.body);
}

TEST_CASE("http redirect: places are absolute and clean, as Go's") {
  struct row {
    std::string_view target, to, location;
  };
  // Asked of Go 1.27.
  const std::vector<row> rows{
      {"/qux/", "http://foobar.com/baz", "http://foobar.com/baz"},
      {"/qux/", "//foobar.com/baz", "//foobar.com/baz"},
      {"/qux/", "baz", "/qux/baz"},
      {"/qux", "baz", "/baz"},
      {"/a/b?x=1", "../c?y=../z", "/c?y=../z"},
      {"/a/b", "..", "/"},
      {"/a/b/", "..//./c/", "/a/c/"},
      {"/a/b", "", "/a/"},
      {"/a/b", "?q", "/a/?q"},
      {"/a/b", "#f", "/a/#f"},
      {"/a%2Fb/c", "d", "/a%2Fb/d"},
      {"/a", "/x//y/../z?//", "/x/z?//"},
      {"/a", "mailto:a@b", "mailto:a@b"},
      {"/a", "/\u00e9", "/%c3%a9"},
      {"/a", "http://h:x/../", "http://h:x/../"},
      {"/a", "/%zz/..", "/%zz/.."},
      {"*", "x", "x"},
  };
  for (const auto& [target, to, location] : rows) {
    CAPTURE(to);
    http::test::recorder rec;
    http::request r = http::test::new_request("GET", target);
    http::redirect(rec, r, to, 302);
    CHECK(rec.code == 302);
    CHECK(rec.sent().get("Location") == location);
  }
}

TEST_CASE("http redirect: GET has a page, HEAD its type, POST neither; a type that was set means no page") {
  const http::handler h = http::redirect_handler("/\"<&'", 307);
  http::request r = http::test::new_request("GET", "/");
  http::test::recorder get;
  h(get, r);
  CHECK(get.body == "<a href=\"/&#34;&lt;&amp;&#39;\">Temporary Redirect</a>.\n\n");
  CHECK(get.sent().get("Content-Type") == "text/html; charset=utf-8");
  r.method = "HEAD";
  http::test::recorder head;
  h(head, r);
  CHECK(head.body.empty());
  CHECK(head.sent().get("Content-Type") == "text/html; charset=utf-8");
  r.method = "POST";
  http::test::recorder post;
  h(post, r);
  CHECK(post.code == 307);
  CHECK(post.body.empty());
  CHECK_FALSE(post.sent().has("Content-Type"));
  r.method = "GET";
  http::test::recorder typed;
  typed.header().set("Content-Type", "x");
  h(typed, r);
  CHECK(typed.body.empty());
  CHECK(typed.sent().get("Content-Type") == "x");
}

TEST_CASE("http strip_prefix: the handler sees the rest, the caller the whole") {
  const http::handler h = http::strip_prefix(
      "/foo/bar", [](http::response_writer& w, http::request& r) { w.write(r.url.path + "|" + r.url.raw_path); });
  const auto answer = [&h](std::string_view target) {
    http::request r = http::test::new_request("GET", target);
    const http::url before = r.url;
    http::test::recorder rec;
    h(rec, r);
    CHECK(r.url == before);
    return rec.code == 200 ? rec.body : std::to_string(rec.code);
  };
  CHECK(answer("/foo/bar/qux") == "/qux|");
  CHECK(answer("/foo/bar") == "|");
  CHECK(answer("/foo/barn") == "n|");
  CHECK(answer("/foo/bar%2Fqux") == "/qux|%2Fqux");
  CHECK(answer("/foo%2Fbar/qux") == "404");
  CHECK(answer("/bar") == "404");
  CHECK(answer("/") == "404");
  const http::handler same = http::strip_prefix("", h);
  CHECK(same.get() == h.get());
}

TEST_CASE("http strip_prefix: the request is as before, when the handler throws") {
  const http::handler h = http::strip_prefix("/a", [](http::response_writer&, http::request& r) {
    CHECK(r.url.path == "/b");
    panic("no");
  });
  http::request r = http::test::new_request("GET", "/a/b");
  http::test::recorder rec;
  CHECK_THROWS_AS(h(rec, r), panic_error);
  CHECK(r.url.path == "/a/b");
}

TEST_CASE("http allow_query_semicolons: they separate pairs") {
  const http::handler h =
      http::allow_query_semicolons([](http::response_writer& w, http::request& r) { w.write(r.url.query().encode()); });
  http::request r = http::test::new_request("GET", "/?a=1;b=2&c=3");
  http::test::recorder rec;
  h(rec, r);
  CHECK(rec.body == "a=1&b=2&c=3");
  CHECK(r.url.raw_query == "a=1;b=2&c=3");
  r = http::test::new_request("GET", "/?x");
  http::test::recorder other;
  h(other, r);
  CHECK(other.body == "x=");
}

namespace {

class noting : public http::test::recorder {
 public:
  void request_too_large() override { too_large = true; }
  bool too_large = false;
};

}  // namespace

TEST_CASE("http max_bytes_reader: what fits is read, and one byte more fails") {
  noting rec;
  const auto reader_of = [&rec](std::string text, std::int64_t n) {
    return http::max_bytes_reader(rec, io::nop_closer(std::make_shared<io::string_reader>(std::move(text))), n);
  };
  const auto [fits, none] = io::read_all(reader_of("12345", 5));
  CHECK(fits.size() == 5);
  CHECK_FALSE(none);
  CHECK_FALSE(rec.too_large);

  const io::read_closer body = reader_of("123456", 5);
  const auto [part, err] = io::read_all(body);
  CHECK(part.size() == 5);
  CHECK(err.text() == "http: request body too large");
  CHECK(errors::as<http::max_bytes_error>(err)->limit() == 5);
  CHECK(rec.too_large);
  char one[1];
  CHECK(body.read(one).second == err);  // it stays so
  CHECK_FALSE(body.close());

  CHECK(errors::as<http::max_bytes_error>(io::read_all(reader_of("1", -3)).second)->limit() == 0);
  CHECK_FALSE(io::read_all(reader_of("", 0)).second);
}

TEST_CASE("http max_bytes_handler: bounds the handler's body only") {
  const http::handler h = http::max_bytes_handler(
      [](http::response_writer& w, http::request& r) {
        const auto [all, err] = io::read_all(r.body);
        http::error(w, err ? err.text() : "none", err ? http::status_request_entity_too_large : 200);
      },
      3);
  http::request r = http::test::new_request("POST", "/", "1234");
  const io::read_closer before = r.body;
  noting rec;
  h(rec, r);
  CHECK(rec.code == 413);
  CHECK(rec.body == "http: request body too large\n");
  CHECK(rec.too_large);
  r = http::test::new_request("POST", "/", "123");
  http::test::recorder other;
  h(other, r);
  CHECK(other.body == "none\n");
}
