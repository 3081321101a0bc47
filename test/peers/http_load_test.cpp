// ab and wrk: many requests at a time. What they measure is not looked at, but that each is answered as it must be.
#include <string>

#include "http_site.hpp"

using namespace gossamer;
using namespace peers;

namespace {

// Behind those words, to the end of the line, without blanks before.
std::string behind(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  if (at == std::string::npos) {
    return "(nothing)";
  }
  const std::size_t begin = text.find_first_not_of(' ', at + words.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

FIBER_TEST("ab and our server: 2,000 requests of HTTP/1.0, with and without keep-alive") {
  const http_site site;
  const std::string n = std::to_string(support::scale(2000));
  const std::string kept = said_by("ab", "-q", "-k", "-n", n, "-c", "20", site.url("/"));
  CHECK(behind(kept, "Complete requests:") == n);
  CHECK(behind(kept, "Failed requests:") == "0");
  CHECK(behind(kept, "Keep-Alive requests:") == n);
  const std::string ended = said_by("ab", "-q", "-n", n, "-c", "20", site.url("/pieces"));
  CHECK(behind(ended, "Complete requests:") == n);
  CHECK(behind(ended, "Failed requests:") == "0");
}

FIBER_TEST("wrk and our server: 50 connections for a second, without an error") {
  const http_site site;
  for (const char* const path : {"/", "/file"}) {
    const std::string said = said_by("wrk", "-t1", "-c50", "-d1", site.url(path));
    CHECK(said.find("requests in") != std::string::npos);
    CHECK(said.find("Socket errors") == std::string::npos);
    CHECK(said.find("Non-2xx") == std::string::npos);
  }
}
