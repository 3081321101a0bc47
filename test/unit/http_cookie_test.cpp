// Cookies, and basic authentication; results and texts are Go's.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/cookie.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/test.hpp"

using namespace gossamer;

namespace {

http::cookie named(std::string_view value) {
  http::cookie c;
  c.name = "a";
  c.value = value;
  return c;
}

std::string in_domain(std::string_view domain) {
  http::cookie c = named("");
  c.domain = domain;
  return c.text() + (c.valid() ? " " + c.valid().text() : "");
}

http::cookie read(std::string_view line) {
  auto [c, err] = http::parse_set_cookie(line);
  CHECK_MESSAGE(!err, err);
  return c;
}

std::string failure(std::string_view line) {
  const gossamer::error err = http::parse_set_cookie(line).second;
  return err ? err.text() : "none";
}

// `name=value`, with quotes where there were some.
std::string list(const std::vector<http::cookie>& all) {
  std::string text;
  for (const http::cookie& c : all) {
    text += c.name + "=" + (c.quoted ? "'" + c.value + "'" : c.value) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("http cookie: all attributes, in Go's order") {
  http::cookie c = named("b");
  c.path = "/";
  c.domain = ".x.org";
  c.expire_at(std::chrono::sys_seconds(std::chrono::seconds(784111777)) + std::chrono::milliseconds(5));
  c.max_age = 5;
  c.secure = c.http_only = c.partitioned = true;
  c.same_site = http::same_site::strict_mode;
  CHECK(c.text() ==
        "a=b; Path=/; Domain=x.org; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=5; HttpOnly; Secure; "
        "SameSite=Strict; Partitioned");
  CHECK_FALSE(c.valid());
  http::test::recorder w;
  http::set_cookie(w, c);
  http::set_cookie(w, http::cookie());  // no name: nothing
  CHECK(w.header().values("Set-Cookie") == std::vector<std::string_view>{c.text()});
  c = named("b");
  c.max_age = -1;
  c.same_site = http::same_site::default_mode;
  CHECK(c.text() == "a=b; Max-Age=0");
  c.partitioned = true;
  CHECK(c.valid().text() == "http: partitioned cookies must be set with Secure");
}

TEST_CASE("http cookie: values are quoted where they must be, and what may not stand there is left out") {
  CHECK(named("b c").text() == "a=\"b c\"");
  CHECK(named("b,c").text() == "a=\"b,c\"");
  CHECK(named("x\"y;z\\\x7f\n\x80").text() == "a=xyz");
  CHECK(named(";").valid().text() == "http: invalid byte ';' in Cookie.Value");
  CHECK(named("\"").valid().text() == "http: invalid byte '\"' in Cookie.Value");
  CHECK(named("\\").valid().text() == "http: invalid byte '\\\\' in Cookie.Value");
  CHECK(named("\x01").valid().text() == "http: invalid byte '\\x01' in Cookie.Value");
  CHECK(named("\xad").valid().text() == "http: invalid byte '\\u00ad' in Cookie.Value");
  http::cookie c = named("");
  c.quoted = true;
  CHECK(c.text() == "a=\"\"");
  c.path = "/x;y\xe9";
  CHECK(c.text() == "a=\"\"; Path=/xy");
  CHECK(c.valid().text() == "http: invalid byte ';' in Cookie.Path");
  c.name = "a b";
  CHECK(c.text().empty());
  CHECK(c.valid().text() == "http: invalid Cookie.Name");
}

TEST_CASE("http cookie: a domain is a name or an IPv4 address") {
  CHECK(in_domain("x.org.") == "a=; Domain=x.org.");
  CHECK(in_domain("127.0.0.1") == "a=; Domain=127.0.0.1");
  for (const std::string_view bad : {"::1", "bad domain", "-x.org", "x-.org", "a..b", "1.2", ".", "_x.org"}) {
    CHECK(in_domain(bad) == "a= http: invalid Cookie.Domain");
  }
}

TEST_CASE("http cookie: dates from 1601 to 9999") {
  http::cookie c = named("");
  c.expires = std::chrono::sys_seconds(std::chrono::seconds(-11644473600));
  CHECK(c.text() == "a=; Expires=Mon, 01 Jan 1601 00:00:00 GMT");
  *c.expires -= std::chrono::seconds(1);
  CHECK(c.text() == "a=");
  CHECK(c.valid().text() == "http: invalid Cookie.Expires");
  c.expires = std::chrono::sys_seconds(std::chrono::seconds(253402300800));
  CHECK(c.text() == "a=");
}

TEST_CASE("http cookie: Set-Cookie is read") {
  const http::cookie c = read(
      "a=\"b c\"; Path=/x; Domain=.x.org; expires=Sun, 06-Nov-1994 08:49:37 GMT; Max-Age=10; secure=1; HttpOnly; "
      "samesite=NONE; Partitioned; foo=bar");
  CHECK(c.name == "a");
  CHECK(c.value == "b c");
  CHECK(c.quoted);
  CHECK(c.path == "/x");
  CHECK(c.domain == ".x.org");
  CHECK(c.expires->time_since_epoch().count() == 784111777);
  CHECK(c.raw_expires == "Sun, 06-Nov-1994 08:49:37 GMT");
  CHECK(c.max_age == 10);
  CHECK((c.secure && c.http_only && c.partitioned));
  CHECK(c.same_site == http::same_site::none_mode);
  CHECK(c.unparsed == std::vector<std::string>{"foo=bar"});
  CHECK(read("a=b; max-age=0").max_age == -1);
  CHECK(read("a=b; max-age=-5").max_age == -1);
  CHECK(read("a=b; max-age=007").unparsed == std::vector<std::string>{"max-age=007"});
  CHECK(read("a=b; max-age=99999999999999999999").max_age == 0);
  CHECK(read("a=b;expires=bad").unparsed == std::vector<std::string>{"expires=bad"});
  CHECK(read("a=b; samesite").same_site == http::same_site::default_mode);
  CHECK(read(" a = b ").value == " b");
  CHECK(failure("") == "http: blank cookie");
  CHECK(failure(";") == "http: '=' not found in cookie");
  CHECK(failure("a b=c") == "http: invalid cookie name");
  CHECK(failure("a=b\\c") == "http: invalid cookie value");
}

TEST_CASE("http cookie: a request's cookies; those that are faulty are left out") {
  http::request r;
  r.header.add("Cookie", "a=1; b b=2; c=\"x y\"; d");
  r.header.add("Cookie", "a=3;; e=\\");
  CHECK(list(r.cookies()) == "a=1 c='x y' d= a=3 ");
  CHECK(list(r.cookies_named("a")) == "a=1 a=3 ");
  CHECK(r.cookies_named("").empty());
  CHECK(r.cookie("c").first.value == "x y");
  CHECK(r.cookie("x").second == http::no_cookie);
  CHECK(r.cookie("").second.text() == "http: named cookie not present");
  const auto [all, err] = http::parse_cookie("a=b; c=1,2");
  CHECK(list(all) == "a=b c=1,2 ");
  CHECK_FALSE(err);
  CHECK(http::parse_cookie("a=b;").second.text() == "http: '=' not found in cookie");
  CHECK(http::parse_cookie("a =b").second.text() == "http: invalid cookie name");
  CHECK(http::parse_cookie(" ").second.text() == "http: blank cookie");
}

TEST_CASE("http cookie: no more than 3,000") {
  std::string many;
  for (int i = 0; i < 3000; i++) {
    many += "a=b;";
  }
  http::request r;
  r.header.set("Cookie", many);
  CHECK(r.cookies().empty());
  CHECK(http::parse_cookie(many).second.text() == "http: number of cookies exceeded limit");
  many.pop_back();
  r.header.set("Cookie", many);
  CHECK(r.cookies().size() == 3000);
}

TEST_CASE("http cookie: a client's cookies lie in one field") {
  http::request r;
  r.add_cookie(named("b"));
  r.add_cookie(named("c d"));
  http::cookie odd;
  odd.name = "x\r\ny";
  r.add_cookie(odd);
  CHECK(r.header.values("Cookie") == std::vector<std::string_view>{"a=b; a=\"c d\"; x--y="});
}

TEST_CASE("http basic auth: name and password") {
  http::request r;
  CHECK_FALSE(r.basic_auth());
  r.set_basic_auth("Aladdin", "open sesame");
  CHECK(r.header.get("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(r.basic_auth() == http::credentials{"Aladdin", "open sesame"});
  for (const std::string_view password : {"", ":", "a", "ab", "abc", "\xff\xfe\xfd\xfc"}) {
    r.set_basic_auth("u", password);
    CHECK(r.basic_auth() == http::credentials{"u", std::string(password)});
  }
  r.header.set("Authorization", "bASIC dTpw");
  CHECK(r.basic_auth() == http::credentials{"u", "p"});
  for (const std::string_view bad : {"Basic dTp", "Basic dTpw=", "Basic ====", "Basic d T", "Basic dXA=", "Digest dTpw",
                                     "Basic", "Basic dQ==dQ==", "BasicdTpw"}) {
    r.header.set("Authorization", bad);
    CHECK_FALSE(r.basic_auth());
  }
}
