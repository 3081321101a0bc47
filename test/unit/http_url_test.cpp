// URLs, and the values of queries. What is expected was asked of Go 1.27's net/url.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/http/url.hpp"
#include "gossamer/http/values.hpp"

using namespace gossamer;

namespace {

using row = std::pair<std::string_view, std::string_view>;

void append_part(std::string& to, const char* name, const std::string& value) {
  if (!value.empty()) {
    to.append(name).append("=").append(value).append(" ");
  }
}

// All parts that are there, then what is made of them.
std::string dump(const http::url& u, const error& err) {
  if (err) {
    return "error: " + err.text();
  }
  std::string to;
  append_part(to, "scheme", u.scheme);
  append_part(to, "opaque", u.opaque);
  if (u.user) {
    to += "user=" + u.user->username() + (u.user->password() ? ":" + *u.user->password() : "") + " ";
  }
  append_part(to, "host", u.host);
  append_part(to, "path", u.path);
  append_part(to, "raw_path", u.raw_path);
  to += u.force_query ? "force_query " : "";
  to += u.omit_host ? "omit_host " : "";
  append_part(to, "query", u.raw_query);
  append_part(to, "fragment", u.fragment);
  append_part(to, "raw_fragment", u.raw_fragment);
  to += "| " + u.text() + " " + u.request_uri() + " ";
  return to.append(u.hostname()).append(",").append(u.port());
}

std::string text_of(const error& err) { return err ? err.text() : "<nil>"; }

const std::vector<row> urls{
    {"http://www.example.org/", "scheme=http host=www.example.org path=/ | http://www.example.org/ / www.example.org,"},
    {"http://user:p%40ss@Host.com:80/a%2Fb/c%20d?x=1&y=2#frag%20x",
     "scheme=http user=user:p@ss host=Host.com:80 path=/a/b/c d raw_path=/a%2Fb/c%20d query=x=1&y=2 fragment=frag x | "
     "http://user:p%40ss@Host.com:80/a%2Fb/c%20d?x=1&y=2#frag%20x /a%2Fb/c%20d?x=1&y=2 Host.com,80"},
    {"HTTP:/x//y", "scheme=http path=/x//y omit_host | http:/x//y /x//y ,"},
    {"//host/path?q", "host=host path=/path query=q | //host/path?q /path?q host,"},
    {"///x", "path=///x | ///x ///x ,"},
    {"http:///x", "scheme=http path=/x | http:///x /x ,"},
    {"/a%2fb/%C3%A9", "path=/a/b/\303\251 raw_path=/a%2fb/%C3%A9 | /a%2fb/%C3%A9 /a%2fb/%C3%A9 ,"},
    {"/a b<c", "path=/a b<c raw_path=/a b<c | /a%20b%3Cc /a%20b%3Cc ,"},
    {"mailto:a@b.c?subject=s", "scheme=mailto opaque=a@b.c query=subject=s | mailto:a@b.c?subject=s a@b.c?subject=s ,"},
    {"http://h?", "scheme=http host=h force_query | http://h? /? h,"},
    {"http://h?a?", "scheme=http host=h query=a? | http://h?a? /?a? h,"},
    {"?", "force_query | ? /? ,"},
    {"#", "|  / ,"},
    {"#a%2Fb", "fragment=a/b raw_fragment=a%2Fb | #a%2Fb / ,"},
    {"*", "path=* | * * ,"},
    {"", "|  / ,"},
    {"x:y", "scheme=x opaque=y | x:y y ,"},
    {"./a:b", "path=./a:b | ./a:b ./a:b ,"},
    {"a?b:c", "path=a query=b:c | a?b:c a?b:c ,"},
    {"http://[fe80::1%25en0]:80/x",
     "scheme=http host=[fe80::1%en0]:80 path=/x | http://[fe80::1%25en0]:80/x /x fe80::1%en0,80"},
    {"http://[::1]", "scheme=http host=[::1] | http://[::1] / ::1,"},
    {"postgres://h1:1,h2:2/db", "scheme=postgres host=h1:1,h2:2 path=/db | postgres://h1:1,h2:2/db /db h1:1,h2,2"},
    {"http://name:@h/", "scheme=http user=name: host=h path=/ | http://name:@h/ / h,"},
    {"http://@h/", "scheme=http user= host=h path=/ | http://@h/ / h,"},
    {"ht+t-p.1://u@/", "scheme=ht+t-p.1 user=u path=/ | ht+t-p.1://u@/ / ,"},
    {"/!$&'()*+,;=:@[]", "path=/!$&'()*+,;=:@[] raw_path=/!$&'()*+,;=:@[] | /!$&'()*+,;=:@[] /!$&'()*+,;=:@[] ,"},
    {"http://h/%2A", "scheme=http host=h path=/* | http://h/%2A /%2A h,"},
    {"http:%2Fx//y", "scheme=http opaque=%2Fx//y | http:%2Fx//y %2Fx//y ,"},
    {"1:b/c", "error: parse \"1:b/c\": first path segment in URL cannot contain colon"},
    {":x", "error: parse \":x\": missing protocol scheme"},
    {"http://[::1", "error: parse \"http://[::1\": missing ']' in host"},
    {"http://x[::1]/", "error: parse \"http://x[::1]/\": invalid IP-literal"},
    {"http://[1.2.3.4]/", "error: parse \"http://[1.2.3.4]/\": invalid IP-literal"},
    {"http://[::1]:8x/", "error: parse \"http://[::1]:8x/\": invalid port \":8x\" after host"},
    {"http://h:8x/", "error: parse \"http://h:8x/\": invalid port \":8x\" after host"},
    {"http://a:b:c/", "error: parse \"http://a:b:c/\": invalid port \":b:c\" after host"},
    {"http://a b/", "error: parse \"http://a b/\": invalid character \" \" in host name"},
    {"http://%41.com/", "error: parse \"http://%41.com/\": invalid URL escape \"%41\""},
    {"http://[fe80::1%25]/",
     "error: parse \"http://[fe80::1%25]/\": invalid host: ParseAddr(\"fe80::1%\"): zone must be a non-empty string"},
    {"http://[en0%25]/", "error: parse \"http://[en0%25]/\": invalid host: ParseAddr(\"en0%\"): missing IPv6 address"},
    {"http://a b@h/", "error: parse \"http://a b@h/\": net/url: invalid userinfo"},
    {"http://%zz@h/", "error: parse \"http://%zz@h/\": invalid URL escape \"%zz\""},
    {"/%zz", "error: parse \"/%zz\": invalid URL escape \"%zz\""},
    {"/%4", "error: parse \"/%4\": invalid URL escape \"%4\""},
    {"/a#%", "error: parse \"/a#%\": invalid URL escape \"%\""},
    {"/\001", "error: parse \"/\\x01\": net/url: invalid control character in URL"},
    {"/\177", "error: parse \"/\\x7f\": net/url: invalid control character in URL"},
    {"/a\012", "error: parse \"/a\\n\": net/url: invalid control character in URL"},
};

const std::vector<row> targets{
    {"/", "path=/ | / / ,"},
    {"/a/b?x=1&y", "path=/a/b query=x=1&y | /a/b?x=1&y /a/b?x=1&y ,"},
    {"/a%2Fb?", "path=/a/b raw_path=/a%2Fb force_query | /a%2Fb? /a%2Fb? ,"},
    {"//a/b", "path=//a/b | //a/b //a/b ,"},
    {"///a", "path=///a | ///a ///a ,"},
    {"http://h/a", "scheme=http host=h path=/a | http://h/a /a h,"},
    {"http://h", "scheme=http host=h | http://h / h,"},
    {"h/a", "error: parse \"h/a\": invalid URI for request"},
    {"", "error: parse \"\": empty url"},
    {"*", "path=* | * * ,"},
    {"/a#b", "path=/a#b raw_path=/a#b | /a%23b /a%23b ,"},
    {"/a b", "path=/a b raw_path=/a b | /a%20b /a%20b ,"},
    {"/%zz", "error: parse \"/%zz\": invalid URL escape \"%zz\""},
    {"/%", "error: parse \"/%\": invalid URL escape \"%\""},
    {"a:b", "scheme=a opaque=b | a:b b ,"},
    {"HTTP://U@H:1/", "scheme=http user=U host=H:1 path=/ | http://U@H:1/ / H,1"},
    {"/\001", "error: parse \"/\\x01\": net/url: invalid control character in URL"},
    {"?x", "error: parse \"?x\": invalid URI for request"},
};

const std::vector<row> queries{
    {"a=1&b=2&a=3", "a=1&a=3&b=2 <nil>"},
    {"a", "a= <nil>"},
    {"a=&=b&&c=d=e", "=b&a=&c=d%3De <nil>"},
    {"a+b=%20%2B&c=%C3%A9", "a+b=+%2B&c=%C3%A9 <nil>"},
    {"a=%zz&b=1&c=%", "b=1 invalid URL escape \"%zz\""},
    {"a=1;b=2&c=3", "c=3 invalid semicolon separator in query"},
    {"a;b&d=%q", " invalid semicolon separator in query"},
    {"%61=x", "a=x <nil>"},
};

// Against http://a/b/c/d;p?q
const std::vector<row> references{
    {"g:h", "g:h"},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q#s"},
    {"g#s", "http://a/b/c/g#s"},
    {"g?y#s", "http://a/b/c/g?y#s"},
    {";x", "http://a/b/c/;x"},
    {"g;x", "http://a/b/c/g;x"},
    {"g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"../../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {".g", "http://a/b/c/.g"},
    {"g..", "http://a/b/c/g.."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/./x", "http://a/b/c/g?y/./x"},
    {"g#s/../x", "http://a/b/c/g#s/../x"},
    {"http:g", "http:g"},
};

struct joined {
  std::string_view base, element, result;
};
const std::vector<joined> joins{
    {"http://h/a", "b", "http://h/a/b"},
    {"http://h", "b/", "http://h/b/"},
    {"http://h/a/", "../../b//c/.", "http://h/b/c"},
    {"a/b", "../../../c", "c"},
    {"http://h/x%2Fy", "%2F", "http://h/x%2Fy/%2F"},
    {"http://h/a", "", "http://h/a"},
    {"http://h/a/", "", "http://h/a"},
    {"", "a", "a"},
};

const std::vector<row> escapes{
    {"a b/c?d", "a+b%2Fc%3Fd a%20b%2Fc%3Fd a b/c?d <nil> a b/c?d <nil>"},
    {"%20+%2f", "%2520%2B%252f %2520+%252f   / <nil>  +/ <nil>"},
    {"%zz", "%25zz %25zz  invalid URL escape \"%zz\"  invalid URL escape \"%zz\""},
    {"\303\251~-_.!*'()",
     "%C3%A9~-_.%21%2A%27%28%29 %C3%A9~-_.%21%2A%27%28%29 \303\251~-_.!*'() <nil> \303\251~-_.!*'() <nil>"},
    {"100%", "100%25 100%25  invalid URL escape \"%\"  invalid URL escape \"%\""},
};

}  // namespace

TEST_CASE("http url: parts and texts of any URL are Go's") {
  for (const auto& [text, expected] : urls) {
    CAPTURE(text);
    const auto [u, err] = http::parse_url(text);
    CHECK(dump(u, err) == expected);
  }
}

TEST_CASE("http url: a target is read into a url that was used before") {
  http::url u;
  for (const auto& [text, expected] : targets) {
    CAPTURE(text);
    const error err = http::parse_request_uri(text, u);
    CHECK(dump(u, err) == expected);
    CHECK(dump(http::parse_request_uri(text).first, err) == expected);
    CHECK((!err || u == http::url()));
  }
}

TEST_CASE("http url: the memory of a used url is used again") {
  http::url u;
  CHECK_FALSE(http::parse_request_uri("/a/path/that/is/long/enough/for/the/heap?and=a&query=that&is=long&too", u));
  const auto* const path = u.path.data();
  const auto* const query = u.raw_query.data();
  CHECK_FALSE(http::parse_request_uri("/another/one/that/is/not/longer/?with=a&query=of&its=own", u));
  CHECK(u.path.data() == path);
  CHECK(u.raw_query.data() == query);
}

TEST_CASE("http url: errors say what they are") {
  const auto err = http::parse_url("http://h/%zz").second;
  const auto* const whole = errors::as<http::url_error>(err);
  CHECK(whole != nullptr);
  CHECK(whole->op() == "parse");
  CHECK(whole->url() == "http://h/%zz");
  CHECK(errors::as<http::escape_error>(err)->escape() == "%zz");
  const auto other = http::parse_url("http://a b/").second;
  CHECK(errors::as<http::invalid_host_error>(other)->character() == " ");
}

TEST_CASE("http url: messages show what cannot be printed") {
  CHECK(http::parse_url("\x01\t\r\"\\\xff\u00e9\u200b\U000f0000\x7f").second.text() ==
        "parse \"\\x01\\t\\r\\\"\\\\\\xff\u00e9\\u200b\\U000f0000\\x7f\": net/url: invalid control character in URL");
}

TEST_CASE("http url: queries are read as Go reads them, up to the first error and beyond") {
  for (const auto& [text, expected] : queries) {
    CAPTURE(text);
    const auto [v, err] = http::parse_query(text);
    CHECK(v.encode() + " " + text_of(err) == expected);
  }
  std::string many;
  for (int i = 1; i < 10'000; i++) {
    many += "a&";
  }
  CHECK(http::parse_query(many + "b").first.all("a").size() == 9'999);
  const auto [none, err] = http::parse_query(many + "b&c");
  CHECK(none.empty());
  CHECK(err.text() == "number of URL query parameters exceeded limit");
}

TEST_CASE("http url: references are resolved as RFC 3986 says") {
  const http::url base = http::parse_url("http://a/b/c/d;p?q").first;
  for (const auto& [ref, expected] : references) {
    CAPTURE(ref);
    CHECK(base.parse(ref).first.text() == expected);
    CHECK(base.resolve_reference(http::parse_url(ref).first).text() == expected);
  }
  CHECK(base.parse("%").second.text() == "parse \"%\": invalid URL escape \"%\"");
}

TEST_CASE("http url: paths are joined and cleaned") {
  for (const auto& [base, element, expected] : joins) {
    CAPTURE(base);
    CHECK(http::parse_url(base).first.join_path(element).text() == expected);
  }
  CHECK(http::parse_url("http://h/a").first.join_path("b", "..", std::string("c/")).text() == "http://h/a/c/");
  CHECK(http::parse_url("http://h/a/").first.join_path().text() == "http://h/a/");
}

TEST_CASE("http url: escapes of queries and of paths") {
  for (const auto& [text, expected] : escapes) {
    CAPTURE(text);
    const auto [q, q_err] = http::query_unescape(text);
    const auto [p, p_err] = http::path_unescape(text);
    CHECK(http::query_escape(text) + " " + http::path_escape(text) + " " + q + " " + text_of(q_err) + " " + p + " " +
              text_of(p_err) ==
          expected);
  }
}

TEST_CASE("http url: a url that was put together has a text") {
  http::url u;
  u.scheme = "https";
  u.user = http::userinfo("me", "a:b@c");
  u.host = "example.com";
  u.path = "a b/\u00e9";
  u.fragment = "x y";
  CHECK(u.text() == "https://me:a%3Ab%40c@example.com/a%20b/%C3%A9#x%20y");
  CHECK(u.redacted() == "https://me:xxxxx@example.com/a%20b/%C3%A9#x%20y");
  CHECK(u.is_abs());
  u = {};
  CHECK_FALSE(u.is_abs());
  u.path = "a:b";
  CHECK(u.text() == "./a:b");
  u.raw_path = "a%3Ab";  // an encoding of `path`
  CHECK(u.text() == "a%3Ab");
  u.raw_path = "other";  // none
  CHECK(u.text() == "./a:b");
  u = {};
  u.scheme = "http";
  u.omit_host = true;
  u.path = "//h/p";
  CHECK(u.text() == "http:%2F/h/p");
}

TEST_CASE("http values: lists by key") {
  http::values v{{"b", "1"}, {"a", "2"}, {"b", "3"}};
  CHECK(v.size() == 2);
  CHECK(v.get("b") == "1");
  CHECK(v.all("b") == http::values::list{"1", "3"});
  CHECK(v.encode() == "a=2&b=1&b=3");
  v.set("b", v.all("b")[1]);
  CHECK(v.all("b") == http::values::list{"3"});
  v["c"].push_back("4");
  CHECK(v.get("c") == "4");
  v.del("a");
  CHECK_FALSE(v.has("a"));
  CHECK(v.get("a").empty());
  CHECK(v.all("a").empty());
  std::string keys;
  for (const auto& [key, its] : v) {
    keys += key + std::to_string(its.size());
  }
  CHECK(keys == "b1c1");
  CHECK(http::parse_url("/p?x=1&x=2&%zz").first.query() == http::values{{"x", "1"}, {"x", "2"}});
}
