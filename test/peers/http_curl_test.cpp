// curl as a client of our HTTP server.
#include <string>
#include <string_view>

#include "http_site.hpp"

using namespace gossamer;
using namespace peers;

namespace {

template <class... Args>
std::string curl(const Args&... args) {
  return said_by("curl", "-sS", "--max-time", "60", args...);
}

// What curl says of the transfer, behind the body.
constexpr std::string_view as_numbers = "%{http_code} %{num_connects} %{http_version}\n";

}  // namespace

FIBER_TEST("curl and our server: HTTP/1.1, HTTP/1.0, HEAD") {
  const http_site site;
  CHECK(curl(site.url("/")) == "hello GET HTTP/1.1\n");
  CHECK(curl("-0", site.url("/")) == "hello GET HTTP/1.0\n");
  const std::string head = curl("-I", site.url("/"));
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("Content-Length: 20\r\n") != std::string::npos);
  CHECK(curl("-o", "/dev/null", "-w", "%{http_code}", site.url("/none")) == "404");
}

FIBER_TEST("curl and our server: three requests, one connection") {
  const http_site site;
  CHECK(curl("-w", as_numbers, "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", site.url("/"),
             site.url("/echo"), site.url("/pieces")) == "200 1 1.1\n200 0 1.1\n200 0 1.1\n");
}

FIBER_TEST("curl and our server: bodies of a known length, in chunks, and after 100 Continue") {
  const http_site site;
  const std::string path = site.room("upload");
  CHECK(os::write_file(path, http_site::content(), 0600) == nil);
  const std::string of_file = "@" + path;
  CHECK(curl("--data-binary", of_file, site.url("/echo")) == http_site::content());
  CHECK(curl("-T", path, site.url("/echo")) == http_site::content());
  const std::string chunked =
      curl("-i", "-H", "Transfer-Encoding: chunked", "--data-binary", of_file, site.url("/echo"));
  CHECK(chunked.find("X-Coding: chunked\r\n") != std::string::npos);
  CHECK(chunked.ends_with(http_site::content()));
  const std::string continued = curl("-i", "-H", "Expect: 100-continue", "--expect100-timeout", "50", "--data-binary",
                                     of_file, site.url("/echo"));
  CHECK(continued.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  CHECK(continued.ends_with(http_site::content()));
}

FIBER_TEST("curl and our server: parts of a file, a download that goes on, and one that is not needed") {
  const http_site site;
  const std::string all = http_site::content();
  CHECK(curl(site.url("/file")) == all);
  CHECK(curl("-r", "10-19", site.url("/file")) == all.substr(10, 10));
  CHECK(curl("-r", "-5", site.url("/file")) == all.substr(all.size() - 5));
  const std::string half = site.room("half");
  CHECK(os::write_file(half, all.substr(0, 40'000), 0600) == nil);
  CHECK(curl("-C", "-", "-o", half, "-w", "%{http_code}", site.url("/file")) == "206");
  CHECK(os::read_file(half).first == all);
  CHECK(curl("-z", half, "-o", site.room("other"), "-w", "%{http_code}", site.url("/file")) == "304");
  const std::string parts = curl("-i", "-r", "0-0,-1", site.url("/file"));
  CHECK(parts.find("Content-Type: multipart/byteranges; boundary=") != std::string::npos);
}

FIBER_TEST("curl and our server: what is flushed comes in chunks") {
  const http_site site;
  const std::string all = curl("-i", "-N", site.url("/pieces"));
  CHECK(all.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(all.ends_with("\r\n\r\npiece 0\npiece 1\npiece 2\npiece 3\npiece 4\n"));
  CHECK(curl("-0", site.url("/pieces")) == "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
}
