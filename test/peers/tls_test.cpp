// openssl and curl as peers of encrypted connections, on either side.
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/os/file.hpp>
#include <gossamer/tls.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace peers;
using support::contains;

namespace {

// The certificates as files.
struct files {
  folder room;
  std::string root = room / "root.pem", cert = room / "cert.pem", key = room / "key.pem";
  files() {
    CHECK(os::write_file(root, support::root().cert, 0600) == nil);
    CHECK(os::write_file(cert, support::of_server().cert, 0600) == nil);
    CHECK(os::write_file(key, support::of_server().key, 0600) == nil);
  }
};

// A server of ours: for each connection calls `serve`, until it goes.
class our_server {
 public:
  template <class Serve>
  our_server(const support::config_ptr& config, Serve serve) {
    error err;
    std::tie(l_, err) = tls::listen("tcp", "127.0.0.1:0", config);
    CHECK(err == nil);
    crew_.go([this, serve] {
      for (;;) {
        auto [c, accept_err] = l_.accept();
        if (accept_err) {
          break;
        }
        crew_.go([own = c, serve] {
          serve(own);
          own.close();
        });
      }
    });
  }
  our_server(const our_server&) = delete;
  our_server& operator=(const our_server&) = delete;
  ~our_server() { l_.close(); }
  std::string place() const { return l_.addr().text(); }
  std::string port() const { return std::to_string(l_.addr().port()); }

 private:
  net::listener l_;
  support::crew crew_;
};

// Answers a line with the same line turned round, until the end.
void turn_lines(const net::conn& c) {
  io::buffered_reader lines(c);
  for (;;) {
    auto [line, err] = lines.read_line();
    if (err) {
      break;
    }
    std::ranges::reverse(line);
    if (c.write(line + "\n").second) {
      break;
    }
  }
}

// What is sent, and what s_client shows before it goes on.
struct turn {
  std::string_view say;
  std::string_view until;
};

// Sends one after the other (a letter at a line's beginning is a command where it comes alone); all that it shows.
std::string s_client(const std::string& args, const std::string& place, const std::vector<turn>& turns) {
  os::command client("sh", "-c", "exec openssl s_client -connect " + place + " " + args + " 2>&1");
  const os::file in = client.in_pipe().first;
  const os::file out = client.out_pipe().first;
  CHECK(client.start() == nil);
  std::string all;
  error err;
  for (const turn& t : turns) {
    CHECK((err || in.write(t.say).second == nil));
    const std::size_t before = all.size();
    while (!err && !contains(std::string_view(all).substr(before), t.until)) {
      char some[4096];
      std::size_t n = 0;
      std::tie(n, err) = out.read(some);
      all.append(some, n);
    }
  }
  in.close();
  all += io::read_all(out).first;
  static_cast<void>(client.wait());
  return all;
}

// The head of a request is read, and answered; the body's size does not matter to it.
void answer_http(const net::conn& c) {
  io::buffered_reader lines(c);
  std::string line = "x";
  while (!line.empty()) {
    error err;
    std::tie(line, err) = lines.read_line();
    if (err) {
      return;
    }
  }
  const std::string body = support::pattern(500'000);
  c.writev({"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n", body});
}

}  // namespace

FIBER_TEST("openssl s_client: TLS 1.3 and 1.2, with the certificate verified, and keys updated meanwhile") {
  const files f;
  const our_server server(support::server_config(), turn_lines);
  const std::string args =
      "-CAfile " + f.root + " -verify_return_error -verify_hostname example.com -servername example.com";
  std::string said = s_client("-tls1_2 " + args, server.place(), {{"hello\n", "olleh"}});
  CHECK(contains(said, "Verify return code: 0 (ok)"));
  CHECK(contains(said, "olleh"));
  said = s_client(
      "-tls1_3 " + args, server.place(),
      {{"hello\n", "olleh"}, {"K\n", "KEYUPDATE"}, {"again\n", "niaga"}, {"k\n", "KEYUPDATE"}, {"more\n", "erom"}});
  CHECK(contains(said, "Verify return code: 0 (ok)"));
  CHECK(contains(said, "erom"));
}

FIBER_TEST("openssl s_client resumes its sessions") {
  std::atomic<int> resumed = 0;
  const our_server server(support::server_config(), [&](const net::conn& c) {
    CHECK(tls::handshake(c) == nil);
    resumed += tls::state_of(c).did_resume ? 1 : 0;
    turn_lines(c);
  });
  const std::string said = s_client("-tls1_2 -reconnect", server.place(), {{"hello\n", "olleh"}});
  CHECK(contains(said, "Reused, TLSv1.2"));
  CHECK(support::eventually([&] { return resumed == 5; }));
}

FIBER_TEST("openssl s_client that names nobody gets the certificate whose key it knows") {
  static const support::made_cert by_rsa = support::make_cert({.issuer = &support::root(), .rsa_bits = 2048});
  const support::config_ptr config = support::server_config();
  config->certificates.push_back(by_rsa.pair());
  const our_server server(config, turn_lines);
  for (const char* sort : {"ECDSA", "RSA"}) {
    const std::string said = s_client(std::string("-noservername -tls1_2 -cipher ECDHE-") + sort + "-AES128-GCM-SHA256",
                                      server.place(), {{"hello\n", "olleh"}});
    CHECK(contains(said, std::string("ECDHE-") + sort + "-AES128-GCM-SHA256"));
    CHECK(contains(said, "olleh"));
  }
}

FIBER_TEST("openssl s_client that wants to renegotiate is refused") {
  const our_server server(support::server_config(), turn_lines);
  const std::string said = s_client("-tls1_2", server.place(), {{"hello\n", "olleh"}, {"R\n", "no renegotiation"}});
  CHECK(contains(said, "no renegotiation"));
}

FIBER_TEST("openssl s_server: asks for a certificate, and reads and writes") {
  const files f;
  const std::string port = free_port();
  peer server("openssl", "s_server", "-accept", port, "-cert", f.cert, "-key", f.key, "-CAfile", f.root, "-Verify", "1",
              "-verify_return_error", "-rev", "-alpn", "one,two");
  CHECK(server.serves("tcp", "127.0.0.1:" + port));
  const support::config_ptr config = support::client_config();
  config->next_protos = {"two"};
  config->certificates = {support::of_server().pair()};
  const auto [c, err] = tls::dial("tcp", "127.0.0.1:" + port, config);
  CHECK(err == nil);
  CHECK(tls::state_of(c).negotiated_protocol == "two");
  CHECK(c.write("hello\n").second == nil);
  CHECK(support::read_n(c, 6) == "olleh\n");
  CHECK(c.close() == nil);
}

FIBER_TEST("curl trusts us where it is told to, and else says that it does not") {
  const files f;
  std::atomic<int> refused = 0;
  const support::config_ptr config = support::server_config();
  config->next_protos = {"http/1.1"};
  const our_server server(config, [&](const net::conn& c) {
    const error err = tls::handshake(c);
    refused += err && err.text() == "remote error: tls: unknown certificate authority" ? 1 : 0;
    answer_http(c);
  });
  const std::string url = "https://example.com:" + server.port() + "/";
  const std::string there = "example.com:" + server.port() + ":127.0.0.1";
  os::command trusting("curl", "-sS", "--noproxy", "*", "--cacert", f.root, "--resolve", there, url);
  const auto [body, err] = trusting.output();
  CHECK(err == nil);
  CHECK((body == support::pattern(500'000)));
  os::command other("curl", "-sS", "--noproxy", "*", "--resolve", there, url);
  CHECK(other.output().second.text() == "exit status 60");
  CHECK(support::eventually([&] { return refused == 1; }));
}
