// nginx in front of our server: connections that it keeps, and passes on without buffers of its own.
#include <gossamer/http/reverse_proxy.hpp>
#include <gossamer/http/transport.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "http_served.hpp"
#include "http_site.hpp"
#include "nginx.hpp"

using namespace gossamer;
using namespace peers;

namespace {

class front {
 public:
  explicit front(const std::string& behind) {
    std::filesystem::create_directory(room_ / "scratch");
    CHECK(os::write_file(room_ / "nginx.conf", config(behind), 0600) == nil);
    its_.emplace("nginx", "-p", room_.path(), "-c", room_ / "nginx.conf", "-e", room_ / "error.log");
    CHECK(its_->serves("tcp", "127.0.0.1:" + port_));
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + port_ + path; }
  // What it has to complain of.
  std::string errors() const { return os::read_file(room_ / "error.log").first; }

 private:
  std::string config(const std::string& behind) const {
    const std::string scratch = room_ / "scratch";
    return "daemon off;\nmaster_process off;\npid " + (room_ / "pid") + ";\nevents { worker_connections 256; }\n" +
           "http {\n  access_log off;\n  client_max_body_size 100m;\n  client_body_temp_path " + scratch +
           "/a;\n  proxy_temp_path " + scratch + "/b;\n  fastcgi_temp_path " + scratch + "/c;\n  uwsgi_temp_path " +
           scratch + "/d;\n  scgi_temp_path " + scratch + "/e;\n  upstream ours { server " + behind +
           "; keepalive 8; }\n  server {\n    listen 127.0.0.1:" + port_ +
           ";\n    location / { proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection \"\";\n"
           "      proxy_buffering off; proxy_request_buffering off; }\n  }\n}\n";
  }

  folder room_;
  std::string port_ = free_port();
  std::optional<peer> its_;
};

template <class... Args>
std::string curl(const Args&... args) {
  return said_by("curl", "-sS", "--max-time", "60", args...);
}

}  // namespace

FIBER_TEST("nginx before our server: connections are kept, bodies and files pass whole") {
  const http_site site;
  const front server(site.place());
  const std::string all = http_site::content();
  const std::string path = site.room("upload");
  CHECK(os::write_file(path, all, 0600) == nil);
  CHECK(curl(server.url("/fields")).starts_with("HTTP/1.1\n"));
  for (int i = 0; i < 5; i++) {
    CHECK(curl(server.url("/")) == "hello GET HTTP/1.1\n");
    CHECK(curl(server.url("/file")) == all);
    CHECK(curl("-r", "100-199", server.url("/file")) == all.substr(100, 100));
    CHECK(curl("--data-binary", "@" + path, server.url("/echo")) == all);
    CHECK(curl("-H", "Transfer-Encoding: chunked", "--data-binary", "@" + path, server.url("/echo")) == all);
    CHECK(curl("-N", server.url("/pieces")) == "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
    CHECK(curl("-I", server.url("/file")).starts_with("HTTP/1.1 200 OK\r\n"));
  }
  CHECK(server.errors().find("upstream") == std::string::npos);
}

namespace {

// Our proxy before `place`.
class passing {
 public:
  explicit passing(const std::string& place) : server_(proxy_to(place)) { server_.start(); }
  passing(const passing&) = delete;
  passing& operator=(const passing&) = delete;
  ~passing() {
    server_.stop();
    transport_->close_idle_connections();
  }
  std::string place() const { return server_.place(); }
  std::string url(const std::string& path) const { return "http://" + place() + path; }

 private:
  http::reverse_proxy proxy_to(const std::string& place) {
    http::reverse_proxy proxy;
    proxy.transport = transport_;
    proxy.rewrite = [to = http::parse_url("http://" + place).first](http::proxy_request& p) { p.set_url(to); };
    return proxy;
  }

  const std::shared_ptr<http::transport> transport_ = std::make_shared<http::transport>();
  support::served server_;
};

}  // namespace

FIBER_TEST("nginx behind our proxy: files, chunks and uploads pass whole") {
  const nginx behind;
  const passing proxy(behind.place());
  const std::string all = http_site::content();
  behind.add("file", all);
  const folder room;
  const std::string path = room / "upload";
  CHECK(os::write_file(path, all, 0600) == nil);
  for (int i = 0; i < 3; i++) {
    CHECK(curl(proxy.url("/file")) == all);
    CHECK(curl(proxy.url("/chunked/file")) == all);
    CHECK(curl("-r", "100-199", proxy.url("/file")) == all.substr(100, 100));
    CHECK(curl("-I", proxy.url("/file")).starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(curl("-o", "/dev/null", "-w", "%{http_code}", proxy.url("/none")) == "404");
    const std::string name = "up" + std::to_string(i);
    CHECK(curl("-T", path, "-o", "/dev/null", "-w", "%{http_code}", proxy.url("/put/" + name)) == "201");
    CHECK(behind.put(name) == all);
  }
}

FIBER_TEST("nginx before our proxy before our server") {
  const http_site site;
  const passing proxy(site.place());
  const front server(proxy.place());
  const std::string all = http_site::content();
  const std::string path = site.room("upload");
  CHECK(os::write_file(path, all, 0600) == nil);
  for (int i = 0; i < 3; i++) {
    CHECK(curl(server.url("/")) == "hello GET HTTP/1.1\n");
    CHECK(curl(server.url("/file")) == all);
    CHECK(curl("-H", "Transfer-Encoding: chunked", "--data-binary", "@" + path, server.url("/echo")) == all);
    CHECK(curl("-N", server.url("/pieces")) == "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
  }
  CHECK(server.errors().find("upstream") == std::string::npos);
}
