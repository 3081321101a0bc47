// What an answer knows of itself. Source: Go's http.Response.
#include <gossamer/http/response.hpp>
#include <gossamer/http/round_tripper.hpp>
#include <gossamer/io.hpp>

#include <memory>
#include <string>

#include "fiber_test.hpp"

using namespace gossamer;

FIBER_TEST("cookies are those that are well-formed, in their order") {
  http::response r;
  r.header.add("Set-Cookie", "a=1; Path=/");
  r.header.add("Set-Cookie", "=2");
  r.header.add("Set-Cookie", "b=2; Max-Age=5");
  const auto all = r.cookies();
  CHECK(all.size() == 2);
  CHECK(all.front().name == "a");
  CHECK(all.back().value == "2");
}

FIBER_TEST("a location is relative to the request's URL") {
  http::response r;
  CHECK(r.location().second == http::no_location);
  CHECK(r.location().second.text() == "http: no Location header in response");
  r.header.set("Location", "/x");
  CHECK(r.location().first.text() == "/x");
  auto of = std::make_shared<http::request>();
  of->url = http::parse_url("http://a/b/c?d").first;
  r.request = of;
  CHECK(r.location().first.text() == "http://a/x");
  r.header.set("Location", "x?y");
  CHECK(r.location().first.text() == "http://a/b/x?y");
  r.header.set("Location", "http://[::1");
  CHECK(r.location().second.text() == "parse \"http://[::1\": missing ']' in host");
}

FIBER_TEST("versions are compared by both numbers") {
  http::response r;
  r.proto_major = 1;
  r.proto_minor = 1;
  CHECK(r.proto_at_least(1, 0));
  CHECK(r.proto_at_least(1, 1));
  CHECK(!r.proto_at_least(1, 2));
  CHECK(!r.proto_at_least(2, 0));
}

FIBER_TEST("no body has no bytes") {
  const io::read_closer none = http::no_body();
  std::byte room[1];
  CHECK(none.read(room) == io::result(0, io::eof));
  CHECK(none.close() == nil);
  CHECK(none.read(room) == io::result(0, io::eof));
  CHECK(none.close() == nil);
}

FIBER_TEST("a round_tripper calls what it was made of; a nil one panics") {
  struct own {
    int closed = 0;
    http::round_trip_result round_trip(const http::request& r) const {
      http::response resp;
      resp.status = r.method;
      return {resp, nullptr};
    }
    void close_idle_connections() { closed++; }
  } mine;
  http::request r;
  r.method = "X";
  const http::round_tripper by_address(&mine);
  CHECK(by_address.round_trip(r).first.status == "X");
  by_address.close_idle_connections();
  CHECK(mine.closed == 1);
  const http::round_tripper by_function(
      [](const http::request&) { return http::round_trip_result({}, errors::make("no")); });
  CHECK(by_function.round_trip(r).second.text() == "no");
  by_function.close_idle_connections();
  http::round_tripper().close_idle_connections();
  CHECK(support::panic_of([&] { static_cast<void>(http::round_tripper().round_trip(r)); }) ==
        "runtime error: invalid memory address or nil pointer dereference");
}
