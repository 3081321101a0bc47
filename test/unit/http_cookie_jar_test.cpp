// The cookies that a client keeps: RFC 6265.
#include <gossamer/http/cookie_jar.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using http::cookie_jar;
using http::cookiejar::new_jar;

namespace {

http::url at(std::string_view place) {
  auto [u, err] = http::parse_url(place);
  CHECK_FALSE(err);
  return u;
}

// As a Set-Cookie field of an answer from there.
void set(const cookie_jar& j, std::string_view place, std::initializer_list<std::string_view> lines) {
  std::vector<http::cookie> cookies;
  for (const std::string_view line : lines) {
    auto [c, err] = http::parse_set_cookie(line);
    CHECK_FALSE(err);
    cookies.push_back(std::move(c));
  }
  j.set_cookies(at(place), cookies);
}

// `a=1 b=2`: what is sent there.
std::string sent(const cookie_jar& j, std::string_view place) {
  std::string all;
  for (const http::cookie& c : j.cookies(at(place))) {
    all += (all.empty() ? "" : " ") + c.name + '=' + c.value;
  }
  return all;
}

// Whether a cookie that was set from `from` is sent to `to`.
bool reaches(std::string_view from, std::string_view line, std::string_view to) {
  const cookie_jar j = new_jar();
  set(j, from, {line});
  return !sent(j, to).empty();
}

// `co.uk`, and all that has one label.
std::string suffix_of(std::string_view domain) {
  if (domain == "co.uk" || domain.ends_with(".co.uk")) {
    return "co.uk";
  }
  return std::string(domain.substr(domain.rfind('.') + 1));
}

}  // namespace

TEST_CASE("http cookie jar: a nil one keeps nothing") {
  const cookie_jar j = nil;
  set(j, "http://a.test/", {"a=1"});
  CHECK(j.cookies(at("http://a.test/")).empty());
  CHECK(j == nil);
}

TEST_CASE("http cookie jar: without a domain a cookie is its host's alone") {
  CHECK(reaches("http://www.a.test/", "c=1", "http://www.a.test/"));
  CHECK(reaches("http://www.a.test/", "c=1", "http://WWW.a.test.:8080/x"));
  CHECK(reaches("http://www.a.test/", "c=1", "https://www.a.test/"));
  CHECK_FALSE(reaches("http://www.a.test/", "c=1", "http://a.test/"));
  CHECK_FALSE(reaches("http://www.a.test/", "c=1", "http://b.www.a.test/"));
  CHECK_FALSE(reaches("http://www.a.test/", "c=1", "ftp://www.a.test/"));
  CHECK_FALSE(reaches("ftp://www.a.test/", "c=1", "http://www.a.test/"));
  CHECK_FALSE(reaches("http://www.a.test/", "c=1", "http://ba.test/"));
}

TEST_CASE("http cookie jar: with one, all hosts below it have it, if it is one of the host's own") {
  for (const char* line : {"c=1; Domain=a.test", "c=1; Domain=.a.test", "c=1; Domain=A.Test"}) {
    CHECK(reaches("http://www.a.test/", line, "http://www.a.test/"));
    CHECK(reaches("http://www.a.test/", line, "http://a.test/"));
    CHECK(reaches("http://www.a.test/", line, "http://x.y.a.test/"));
    CHECK(reaches("http://a.test/", line, "http://www.a.test/"));
    CHECK_FALSE(reaches("http://a.test/", line, "http://nota.test/"));
  }
  CHECK_FALSE(reaches("http://a.test/", "c=1; Domain=b.test", "http://b.test/"));
  CHECK_FALSE(reaches("http://a.test/", "c=1; Domain=b.test", "http://a.test/"));
  CHECK_FALSE(reaches("http://a.test/", "c=1; Domain=www.a.test", "http://www.a.test/"));
  CHECK_FALSE(reaches("http://nota.test/", "c=1; Domain=a.test", "http://a.test/"));
}

TEST_CASE("http cookie jar: a malformed domain is no cookie") {
  for (const char* domain : {".", "..a.test", "a.test.", "www..a.test"}) {
    CHECK_FALSE(reaches("http://www.a.test/", std::string("c=1; Domain=") + domain, "http://www.a.test/"));
  }
  cookie_jar j = new_jar();
  http::cookie c;
  c.name = "c";
  c.domain = "\xc3\xa9.test";
  j.set_cookies(at("http://a.test/"), std::vector{c});
  CHECK(sent(j, "http://a.test/").empty());
}

TEST_CASE("http cookie jar: addresses have no domains below them") {
  CHECK(reaches("http://192.0.2.1/", "c=1", "http://192.0.2.1:81/"));
  CHECK(reaches("http://192.0.2.1/", "c=1; Domain=192.0.2.1", "http://192.0.2.1/"));
  CHECK_FALSE(reaches("http://192.0.2.1/", "c=1; Domain=.192.0.2.1", "http://192.0.2.1/"));
  CHECK_FALSE(reaches("http://192.0.2.1/", "c=1; Domain=2.1", "http://192.0.2.1/"));
  CHECK_FALSE(reaches("http://192.0.2.1/", "c=1", "http://1.192.0.2.1/"));
  CHECK(reaches("http://[2001:db8::1]:80/", "c=1", "http://[2001:db8::1]:81/"));
  CHECK_FALSE(reaches("http://[::1%25.a.test]:80/", "c=1; Domain=a.test", "http://a.test/"));
}

TEST_CASE("http cookie jar: paths") {
  // Where none is given, or one that is none: the folder of the page.
  CHECK(reaches("http://a.test/a/b", "c=1", "http://a.test/a"));
  CHECK(reaches("http://a.test/a/b", "c=1", "http://a.test/a/"));
  CHECK(reaches("http://a.test/a/b", "c=1", "http://a.test/a/x/y"));
  CHECK_FALSE(reaches("http://a.test/a/b", "c=1", "http://a.test/"));
  CHECK_FALSE(reaches("http://a.test/a/b", "c=1", "http://a.test/ab"));
  CHECK_FALSE(reaches("http://a.test/a/b", "c=1; Path=x", "http://a.test/"));
  CHECK(reaches("http://a.test/a/b/", "c=1", "http://a.test/a/b"));
  CHECK(reaches("http://a.test", "c=1", "http://a.test"));
  CHECK(reaches("http://a.test/a", "c=1", "http://a.test"));
  CHECK(reaches("http://a.test/a", "c=1; Path=/b", "http://a.test/b"));
  CHECK(reaches("http://a.test/a", "c=1; Path=/b", "http://a.test/b/c"));
  CHECK_FALSE(reaches("http://a.test/a", "c=1; Path=/b", "http://a.test/bc"));
  CHECK_FALSE(reaches("http://a.test/a", "c=1; Path=/b/", "http://a.test/b"));
  CHECK(reaches("http://a.test/a", "c=1; Path=/b/", "http://a.test/b/c"));
}

TEST_CASE("http cookie jar: what is secure goes over TLS, or stays on the machine") {
  CHECK(reaches("http://a.test/", "c=1; Secure", "https://a.test/"));
  CHECK_FALSE(reaches("https://a.test/", "c=1; Secure", "http://a.test/"));
  CHECK(reaches("http://localhost/", "c=1; Secure", "http://localhost:8080/"));
  CHECK(reaches("http://x.LocalHost/", "c=1; Secure", "http://x.localhost/"));
  CHECK(reaches("http://127.1.2.3/", "c=1; Secure", "http://127.1.2.3/"));
  CHECK(reaches("http://[::1]:80/", "c=1; Secure", "http://[::1]:80/"));
  CHECK_FALSE(reaches("http://192.0.2.1/", "c=1; Secure", "http://192.0.2.1/"));
  CHECK_FALSE(reaches("http://notlocalhost/", "c=1; Secure", "http://notlocalhost/"));
}

TEST_CASE("http cookie jar: the longest path first, then the oldest, which a new value does not change") {
  const cookie_jar j = new_jar();
  set(j, "http://a.test/", {"a=1; Path=/", "b=2; Path=/x/y", "c=3; Path=/x", "d=4; Path=/x/y"});
  set(j, "http://a.test/", {"e=5; Path=/; Domain=a.test", "a=new; Path=/"});
  CHECK(sent(j, "http://a.test/x/y/z") == "b=2 d=4 c=3 a=new e=5");
  CHECK(sent(j, "http://a.test/") == "a=new e=5");
  set(j, "http://a.test/", {"a=other; Path=/; Domain=a.test"});  // as the host's own: one of another sort is the same
  CHECK(sent(j, "http://a.test/") == "a=other e=5");
}

TEST_CASE("http cookie jar: name, domain and path say which cookie it is") {
  const cookie_jar j = new_jar();
  set(j, "http://www.a.test/", {"c=1; Domain=a.test", "c=2; Domain=www.a.test", "c=3; Path=/x; Domain=a.test"});
  CHECK(sent(j, "http://www.a.test/x") == "c=3 c=1 c=2");
  set(j, "http://www.a.test/", {"c=9; Domain=a.test"});
  CHECK(sent(j, "http://www.a.test/x") == "c=3 c=9 c=2");
  set(j, "http://www.a.test/", {"c=; Max-Age=0; Domain=www.a.test"});
  CHECK(sent(j, "http://www.a.test/x") == "c=3 c=9");
}

TEST_CASE("http cookie jar: quotes are kept") {
  const cookie_jar j = new_jar();
  set(j, "http://a.test/", {"a=\"1 2\""});
  const auto all = j.cookies(at("http://a.test/"));
  CHECK(all.size() == 1);
  CHECK(all.at(0).quoted);
  CHECK(all.at(0).path.empty());
}

TEST_CASE("http cookie jar: they end") {
  const cookie_jar j = new_jar();
  set(j, "http://a.test/", {"a=1", "b=2", "c=3", "d=4; Max-Age=1000", "e=5; Max-Age=9223372036854775807"});
  CHECK(sent(j, "http://a.test/") == "a=1 b=2 c=3 d=4 e=5");
  set(j, "http://a.test/", {"a=; Max-Age=0", "b=; Max-Age=-1", "c=; Expires=Mon, 01 Jan 2001 00:00:00 GMT"});
  CHECK(sent(j, "http://a.test/") == "d=4 e=5");
  // Max-Age counts before Expires.
  set(j, "http://a.test/",
      {"d=4; Max-Age=9; Expires=Mon, 01 Jan 2001 00:00:00 GMT", "e=; Max-Age=0; Expires=Fri, 31 Dec 2100 00:00:00 GMT",
       "f=6; Expires=Fri, 31 Dec 9999 23:59:59 GMT"});
  CHECK(sent(j, "http://a.test/") == "d=4 f=6");
  http::cookie soon;
  soon.name = "a";
  soon.max_age = 1;
  const cookie_jar other = new_jar();
  other.set_cookies(at("http://a.test/"), std::vector{soon});
  CHECK(sent(other, "http://a.test/") == "a=");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK(sent(other, "http://a.test/").empty());
}

TEST_CASE("http cookie jar: a list of public suffixes") {
  CHECK(reaches("http://www.a.co.uk/", "c=1; Domain=co.uk", "http://b.co.uk/"));
  const cookie_jar j = new_jar({.public_suffix_list = suffix_of});
  set(j, "http://www.a.co.uk/", {"a=1; Domain=co.uk", "b=2; Domain=a.co.uk", "c=3; Domain=uk"});
  CHECK(sent(j, "http://b.co.uk/").empty());
  CHECK(sent(j, "http://x.a.co.uk/") == "b=2");
  // A suffix may have a cookie of its own.
  set(j, "http://co.uk/", {"s=1; Domain=co.uk"});
  CHECK(sent(j, "http://co.uk/") == "s=1");
  CHECK(sent(j, "http://a.co.uk/") == "b=2");
  // One that returns nonsense parts nothing.
  const cookie_jar broken = new_jar({.public_suffix_list = [](std::string_view) { return std::string("xxx"); }});
  set(broken, "http://www.a.test/", {"a=1"});
  CHECK(sent(broken, "http://www.a.test/") == "a=1");
}
