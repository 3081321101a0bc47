// Our client at openssl s_server: versions of TLS, sessions that are resumed, certificates of clients, and bodies that
// end with the connection.
#include <gossamer/http.hpp>
#include <gossamer/tls.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http_places.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace peers;

namespace {

std::string content() { return pattern_of(300'000); }

// Serves one connection at a time, and one request of each.
class site {
 public:
  explicit site(const std::string& args) {
    CHECK(os::write_file(room_ / "root.pem", support::root().cert, 0600) == nil);
    CHECK(os::write_file(room_ / "cert.pem", support::of_server().cert, 0600) == nil);
    CHECK(os::write_file(room_ / "key.pem", support::of_server().key, 0600) == nil);
    CHECK(os::write_file(room_ / "file.txt", content(), 0600) == nil);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    CHECK(os::write_file(room_ / "short.txt", head + "whole", 0600) == nil);
    CHECK(os::write_file(room_ / "cut.txt", head + "cut", 0600) == nil);
    its_.emplace("sh", "-c",
                 "cd " + room_.path() + " && exec openssl s_server -quiet -accept " + port_ +
                     " -cert cert.pem -key key.pem -CAfile root.pem " + args);
    CHECK(its_->serves("tcp", "127.0.0.1:" + port_));
  }
  std::string url(const std::string& path) const { return "https://127.0.0.1:" + port_ + path; }

 private:
  folder room_;
  std::string port_ = free_port();
  std::optional<peer> its_;
};

struct user {
  std::shared_ptr<tls::config> config = std::make_shared<tls::config>();
  http::transport transport;
  http::client client{.transport = &transport, .timeout = std::chrono::seconds(60)};
  user() {
    config->root_cas = support::trusting(support::root());
    transport.tls_client_config = config;
  }
  user(const user&) = delete;
  user& operator=(const user&) = delete;
  ~user() = default;
};

}  // namespace

FIBER_TEST("http client, openssl s_server: versions, and sessions that are resumed") {
  for (const bool is_new : {false, true}) {
    const site of(is_new ? "-WWW -tls1_3" : "-WWW -tls1_2");
    const user by;
    by.config->client_session_cache = tls::new_lru_client_session_cache(4);
    for (int i = 0; i < 4; i++) {
      const auto [resp, err] = by.client.get(of.url("/file.txt"));
      CHECK(err == nil);
      CHECK(resp.content_length == -1);
      CHECK((resp.tls && resp.tls->version == (is_new ? tls::version_tls13 : tls::version_tls12)));
      CHECK((resp.tls && resp.tls->did_resume == (i > 0)));
      const auto [body, cut] = io::read_all(resp.body);
      CHECK(cut == nil);
      CHECK((body == content()));
      CHECK(resp.body.close() == nil);
    }
  }
}

FIBER_TEST("http client, openssl s_server: a body that is shorter than it says") {
  const site of("-HTTP");
  const user by;
  const auto get = [&](const std::string& path) {
    const auto [resp, err] = by.client.get(of.url(path));
    CHECK(err == nil);
    const auto [body, cut] = io::read_all(resp.body);
    resp.body.close();
    return body + (cut ? ": " + cut.text() : "");
  };
  CHECK(get("/short.txt") == "whole");
  CHECK(get("/cut.txt") == "cut: unexpected EOF");
}

FIBER_TEST("http client, openssl s_server: a client's certificate") {
  for (const bool is_new : {false, true}) {
    const site of(std::string(is_new ? "-WWW -tls1_3" : "-WWW -tls1_2") + " -Verify 1 -verify_return_error");
    {
      const user by;
      const error err = by.client.get(of.url("/file.txt")).second;
      CHECK(err.text().starts_with("Get \"" + of.url("/file.txt") + "\": "));
      CHECK(err.text().ends_with(is_new ? "remote error: tls: certificate required"
                                        : "remote error: tls: handshake failure"));
    }
    const user by;
    by.config->certificates = {support::of_server().pair()};
    const auto [resp, err] = by.client.get(of.url("/file.txt"));
    CHECK(err == nil);
    CHECK((io::read_all(resp.body).first == content()));
    CHECK(resp.body.close() == nil);
  }
}
