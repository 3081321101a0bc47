// Which requests go through a proxy, as the environment says.
#include <gossamer/http/transport.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"
#include "http/client/connect_method.hpp"
#include "http/client/proxy_choice.hpp"

using namespace gossamer;

namespace {

std::string proxy_of(const http::proxy_variables& v, std::string_view target) {
  const auto [proxy, err] = http::proxy_choice(v)(http::parse_url(target).first);
  return err ? err.text() : proxy ? proxy->text() : "none";
}

std::string with_exceptions(std::string_view no_proxy, std::string_view target) {
  return proxy_of({.http_proxy = "p:1", .https_proxy = "p:1", .no_proxy = std::string(no_proxy), .request_method = ""},
                  target);
}

std::string key_of(std::string_view target, std::string_view proxy = {}) {
  return http::connect_method(http::parse_url(target).first,
                              proxy.empty() ? std::nullopt : std::optional(http::parse_url(proxy).first))
      .key();
}

}  // namespace

TEST_CASE("http proxy choice: each scheme has its variable, and its proxy may lack a scheme") {
  const http::proxy_variables v{
      .http_proxy = "a:1", .https_proxy = "https://u:w@b", .no_proxy = "", .request_method = ""};
  CHECK(proxy_of(v, "http://x/") == "http://a:1");
  CHECK(proxy_of(v, "https://x/") == "https://u:w@b");
  CHECK(proxy_of(v, "ftp://x/") == "none");
  CHECK(proxy_of({}, "http://x/") == "none");
  CHECK(proxy_of({.http_proxy = "[::1", .https_proxy = "", .no_proxy = "", .request_method = ""}, "http://x/") ==
        "none");
}

TEST_CASE("http proxy choice: a CGI program does not believe HTTP_PROXY") {
  const http::proxy_variables v{.http_proxy = "a:1", .https_proxy = "b:1", .no_proxy = "", .request_method = "GET"};
  CHECK(proxy_of(v, "http://x/") ==
        "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy");
  CHECK(proxy_of(v, "https://x/") == "http://b:1");
}

TEST_CASE("http proxy choice: this machine is never asked for by a proxy") {
  for (const char* target : {"http://localhost/", "http://localhost:80/", "http://127.0.0.1/", "http://127.1.2.3:8/",
                             "http://[::1]:8/", "https://localhost/"}) {
    CHECK(with_exceptions("", target) == "none");
  }
  CHECK(with_exceptions("", "http://localhost.example/") == "http://p:1");
}

TEST_CASE("http proxy choice: NO_PROXY has domains, ports, addresses and networks") {
  struct row {
    const char* no_proxy;
    const char* target;
    bool proxied;
  };
  const std::vector<row> rows = {
      {"example.com", "http://example.com/", false},
      {"example.com", "http://www.example.com/", false},
      {"example.com", "http://notexample.com/", true},
      {"EXAMPLE.com", "http://Www.Example.COM/", false},
      {".example.com", "http://example.com/", true},
      {".example.com", "http://www.example.com/", false},
      {"*.example.com", "http://www.example.com/", false},
      {"*.example.com", "http://example.com/", true},
      {"example.com:80", "http://example.com/", false},
      {"example.com:80", "http://example.com:81/", true},
      {"example.com:443", "https://example.com/", false},
      {" a.com , b.com ", "http://b.com/", false},
      {"a.com,*", "http://anything/", false},
      {",,:80,", "http://anything/", true},
      {"192.0.2.1", "http://192.0.2.1/", false},
      {"192.0.2.1:80", "http://192.0.2.1/", false},
      {"192.0.2.1:80", "http://192.0.2.1:8080/", true},
      {"192.0.2.0/24", "http://192.0.2.77:8080/", false},
      {"192.0.2.0/24", "http://192.0.3.77/", true},
      {"2001:db8::1", "http://[2001:db8::1]/", false},
      {"[2001:db8::1]:80", "http://[2001:db8::1]/", false},
      {"[2001:db8::1]:80", "http://[2001:db8::1]:81/", true},
      {"2001:db8::/32", "http://[2001:db8:1::1]/", false},
      {"2.1", "http://192.0.2.1/", true},
  };
  for (const row& r : rows) {
    CAPTURE(r.no_proxy);
    CAPTURE(r.target);
    CHECK((with_exceptions(r.no_proxy, r.target) != "none") == r.proxied);
  }
}

TEST_CASE("http proxy url: always the same one") {
  const auto f = http::proxy_url(http::parse_url("http://p:3").first);
  const auto [proxy, err] = f(http::request());
  CHECK(err == nil);
  CHECK(proxy->text() == "http://p:3");
}

TEST_CASE("http connect method: what may use the same connection") {
  CHECK(key_of("http://example.com/x?y") == "|http|example.com:80");
  CHECK(key_of("https://example.com") == "|https|example.com:443");
  CHECK(key_of("http://[2001:db8::1]:8080/") == "|http|[2001:db8::1]:8080");
  CHECK(key_of("http://a/", "http://p:1") == "http://p:1|http|");
  CHECK(key_of("http://b/", "http://p:1") == "http://p:1|http|");
  CHECK(key_of("https://b/", "http://p:1") == "http://p:1|https|b:443");
}
