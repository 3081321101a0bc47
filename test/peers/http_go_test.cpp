// Go's net/http on either side: its server asked by our client, its client at our server. See go_http/main.go, whose
// places both servers have.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "http_places.hpp"

using namespace gossamer;
using namespace peers;

namespace {

std::string program() {
  const char* const path = std::getenv("GO_HTTP");
  CHECK(path != nullptr);
  return path == nullptr ? "" : path;
}

// Go's server, until it goes.
class go_server {
 public:
  go_server() {
    in_ = command_.in_pipe().first;
    const os::file out = command_.out_pipe().first;
    CHECK(command_.start() == nil);
    io::buffered_reader lines(out);
    const std::string line = lines.read_line().first;
    http = word(line, "http=");
    https = word(line, "https=");
    cert = os::read_file(word(line, "cert=")).first;
  }
  go_server(const go_server&) = delete;
  go_server& operator=(const go_server&) = delete;
  ~go_server() {
    in_.close();
    CHECK(command_.wait() == nil);
  }
  std::string http, https, cert;

 private:
  static std::string word(const std::string& line, std::string_view name) {
    const std::size_t at = line.find(name) + name.size();
    return line.substr(at, line.find(' ', at) - at);
  }

  os::command command_{program(), "serve"};
  os::file in_;
};

}  // namespace

FIBER_TEST("our client at Go's server") {
  const go_server server;
  const asking by;
  by.all(server.http, "Go");
}

FIBER_TEST("our client at Go's server, over TLS") {
  const go_server server;
  const asking by(server.cert);
  by.all(server.https, "Go");
}

FIBER_TEST("Go's client at our server") {
  const http_places site;
  CHECK(said_by(program(), "ask", site.url("")) == "ok\n");
}

FIBER_TEST("our client at our server") {
  const http_places site;
  const asking by;
  by.all(site.url(""), "ours");
}
