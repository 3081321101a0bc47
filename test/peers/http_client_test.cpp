// Our client at nginx: connections that are kept, chunks, compression, ranges, uploads; and over TLS.
#include <gossamer/tls.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "http_places.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace peers;

namespace {

// Over TLS on a second port; says on which connection, and which request of it, an answer is.
class site {
 public:
  site() {
    for (const char* name : {"www", "put", "scratch"}) {
      std::filesystem::create_directory(room_ / name);
    }
    CHECK(os::write_file(room_ / "cert.pem", support::of_server().cert, 0600) == nil);
    CHECK(os::write_file(room_ / "key.pem", support::of_server().key, 0600) == nil);
    CHECK(os::write_file(room_ / "www/file.txt", content(), 0600) == nil);
    CHECK(os::write_file(room_ / "nginx.conf", config(), 0600) == nil);
    its_.emplace("nginx", "-p", room_.path(), "-c", room_ / "nginx.conf", "-e", room_ / "error.log");
    CHECK(its_->serves("tcp", "127.0.0.1:" + port_));
  }
  static std::string content() { return pattern_of(200'000); }
  std::string put(const std::string& name) const { return os::read_file(room_ / ("put/" + name)).first; }
  std::string plain() const { return "http://127.0.0.1:" + port_; }
  std::string secret() const { return "https://127.0.0.1:" + tls_port_; }

 private:
  std::string config() const {
    const std::string scratch = room_ / "scratch";
    return "daemon off;\nmaster_process off;\npid " + (room_ / "pid") + ";\nevents { worker_connections 256; }\n" +
           "http {\n  access_log off;\n  default_type text/plain;\n  client_max_body_size 100m;\n" +
           "  client_body_temp_path " + scratch + "/a;\n  proxy_temp_path " + scratch + "/b;\n  fastcgi_temp_path " +
           scratch + "/c;\n  uwsgi_temp_path " + scratch + "/d;\n  scgi_temp_path " + scratch + "/e;\n" +
           "  server {\n    listen 127.0.0.1:" + port_ + ";\n    listen 127.0.0.1:" + tls_port_ +
           " ssl;\n    ssl_certificate " + (room_ / "cert.pem") + ";\n    ssl_certificate_key " + (room_ / "key.pem") +
           ";\n    root " + (room_ / "www") + ";\n    add_header X-Place \"$connection $connection_requests\";\n" +
           "    location /zipped/ { alias " + (room_ / "www") + "/; gzip on; gzip_types text/plain; }\n" +
           "    location /chunked/ { alias " + (room_ / "www") + "/; ssi on; ssi_types *; }\n" +
           "    location /put/ { root " + room_.path() + "; dav_methods PUT; }\n" +
           "    location /moved { return 301 /file.txt; }\n  }\n}\n";
  }

  folder room_;
  std::string port_ = free_port();
  std::string tls_port_ = free_port();
  std::optional<peer> its_;
};

struct user {
  std::shared_ptr<http::transport> transport = std::make_shared<http::transport>();
  http::client client;
  user() {
    auto config = std::make_shared<tls::config>();
    config->root_cas = support::trusting(support::root());
    transport->tls_client_config = std::move(config);
    client.transport = transport;
    client.timeout = std::chrono::seconds(60);
  }
  user(const user&) = delete;
  user& operator=(const user&) = delete;
  ~user() { client.close_idle_connections(); }

  struct got {
    http::response head;
    std::string body;
  };
  got ask(const std::string& method, const std::string& url, const http::header& fields = {},
          std::string_view body = {}) const {
    auto [r, err] = body.empty() ? http::new_request(method, url) : http::new_request(method, url, body);
    CHECK(err == nil);
    for (const http::header::field& f : fields) {
      r.header.set(f.name, f.value);
    }
    auto [resp, failed] = client.do_(r);
    CHECK(failed == nil);
    if (failed) {
      return {};
    }
    const auto [all, cut] = io::read_all(resp.body);
    CHECK(cut == nil);
    CHECK(resp.body.close() == nil);
    return {std::move(resp), all};
  }
};

void ask_all(const user& by, const site& of, const std::string& at) {
  const std::string first = std::string(by.ask("GET", at + "/file.txt").head.header.get("X-Place"));
  CHECK(first.ends_with(" 1"));
  const std::string connection = first.substr(0, first.find(' ') + 1);
  int place = 1;
  const auto next = [&] { return connection + std::to_string(++place); };
  for (int i = 0; i < 5; i++) {
    const auto whole = by.ask("GET", at + "/file.txt");
    CHECK(whole.body == site::content());
    CHECK(whole.head.content_length == 200'000);
    CHECK(whole.head.header.get("X-Place") == next());
    const auto head = by.ask("HEAD", at + "/file.txt");
    CHECK(head.body.empty());
    CHECK(head.head.content_length == 200'000);
    CHECK(head.head.header.get("X-Place") == next());
    const auto part = by.ask("GET", at + "/file.txt", {{"Range", "bytes=100-199"}});
    CHECK(part.head.status_code == http::status_partial_content);
    CHECK(part.body == site::content().substr(100, 100));
    CHECK(part.head.header.get("X-Place") == next());
    const auto pieces = by.ask("GET", at + "/chunked/file.txt");
    CHECK(pieces.head.transfer_encoding == "chunked");
    CHECK(pieces.body == site::content());
    CHECK(pieces.head.header.get("X-Place") == next());
    const auto zipped = by.ask("GET", at + "/zipped/file.txt");
    CHECK(zipped.head.uncompressed);
    CHECK(zipped.body == site::content());
    CHECK(zipped.head.header.get("X-Place") == next());
    const auto moved = by.ask("GET", at + "/moved");
    CHECK(moved.body == site::content());
    CHECK(moved.head.request->url.path == "/file.txt");
    next();
    CHECK(moved.head.header.get("X-Place") == next());
    const std::string sent = pattern_of(500'000 + static_cast<std::size_t>(i));
    const auto put =
        by.ask("PUT", at + "/put/" + std::to_string(i), {{"Expect", i % 2 == 0 ? "" : "100-continue"}}, sent);
    CHECK((put.head.status_code == http::status_created || put.head.status_code == http::status_no_content));
    CHECK(of.put(std::to_string(i)) == sent);
    next();
  }
}

}  // namespace

FIBER_TEST("nginx: one connection carries every sort of request and answer") {
  const site of;
  const user by;
  ask_all(by, of, of.plain());
}

FIBER_TEST("nginx, over TLS: the same") {
  const site of;
  const user by;
  ask_all(by, of, of.secret());
  CHECK(by.ask("GET", of.secret() + "/file.txt").head.tls->version >= tls::version_tls12);
}

FIBER_TEST("nginx, over TLS: who is not trusted is not talked to") {
  const site of;
  const user by;
  by.transport->tls_client_config = nullptr;
  const error err = by.client.get(of.secret() + "/file.txt").second;
  CHECK(err.text() ==
        "Get \"" + of.secret() +
            "/file.txt\": tls: failed to verify certificate: x509: certificate signed by unknown authority");
}

FIBER_TEST("nginx: what is asked for in the clear at its port for TLS is answered, as curl has it") {
  const site of;
  const user by;
  const std::string url = "http" + of.secret().substr(5);
  CHECK(by.ask("GET", url + "/file.txt").head.status_code == http::status_bad_request);
}
