// Encrypted connections: what goes through them, what was agreed on.
#include <gossamer/io.hpp>
#include <gossamer/tls.hpp>

#include <string>

#include "net_pair.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace support;

namespace {

// Both ends write and read at once.
void talk(tls_ends& ends, std::size_t bytes) {
  std::string at_client, at_server;
  const std::string up = pattern(bytes, 1), down = pattern(bytes, 2);
  crew four;
  four.go([&] { CHECK(ends.client.write(up).second == nil); });
  four.go([&] { CHECK(ends.server.write(down).second == nil); });
  four.go([&] { at_client = read_n(ends.client, bytes); });
  four.go([&] { at_server = read_n(ends.server, bytes); });
  four.join();
  CHECK((at_client == down));
  CHECK((at_server == up));
}

}  // namespace

FIBER_TEST("over a pipe, both sides read and write at once") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  talk(ends, 300'000);
}

FIBER_TEST("over TCP, both sides read and write at once") {
  net_pair below;
  tls_ends ends(below.a, below.b);
  talk(ends, static_cast<std::size_t>(scale(2'000'000)));
}

FIBER_TEST("TLS 1.2 as well") {
  auto [a, b] = net::pipe();
  const config_ptr of_client = client_config();
  of_client->max_version = tls::version_tls12;
  tls_ends ends(a, b, of_client);
  talk(ends, 100'000);
  CHECK(tls::version_name(tls::state_of(ends.client).version) == "TLS 1.2");
  CHECK(tls::cipher_suite_name(tls::state_of(ends.server).cipher_suite).substr(0, 14) == "TLS_ECDHE_ECDS");
}

FIBER_TEST("a client that writes before it reads is served by a server that reads before it writes, without a buffer") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  crew serving;
  serving.go([&] {
    CHECK(read_n(ends.server, 5) == "hello");
    CHECK(ends.server.write("world").second == nil);
  });
  CHECK(ends.client.write("hello").second == nil);
  CHECK(read_n(ends.client, 5) == "world");
}

FIBER_TEST("what was agreed on is known to both") {
  auto [a, b] = net::pipe();
  const config_ptr of_client = client_config(), of_server = server_config();
  of_client->next_protos = {"h2", "http/1.1"};
  of_server->next_protos = {"http/1.1"};
  tls_ends ends(a, b, of_client, of_server);
  CHECK(!tls::state_of(ends.client).handshake_complete);
  CHECK(ends.shake() == std::pair(error(), error()));
  const tls::connection_state c = tls::state_of(ends.client), s = tls::state_of(ends.server);
  CHECK(c.handshake_complete);
  CHECK(tls::version_name(c.version) == "TLS 1.3");
  CHECK(c.cipher_suite == s.cipher_suite);
  CHECK(c.negotiated_protocol == "http/1.1");
  CHECK(s.negotiated_protocol == "http/1.1");
  CHECK(s.server_name == "example.com");
  CHECK(!c.did_resume);
  CHECK(c.peer_certificates.size() == 1);
  CHECK(c.peer_certificates.at(0).subject == "CN=example.com");
  CHECK(c.peer_certificates.at(0).issuer == "CN=Test Root");
  CHECK(c.peer_certificates.at(0).raw.substr(0, 1) == "\x30");
  CHECK(s.peer_certificates.empty());
  CHECK((tls::net_conn(ends.client) == a));
  CHECK(tls::is_tls(ends.client));
  CHECK(!tls::is_tls(a));
  CHECK(tls::handshake(a).text() == "tls: not a TLS connection");
}

FIBER_TEST("protocols that have nothing in common end the handshake, but h2 is understood by HTTP/1.1") {
  for (const bool h2 : {false, true}) {
    auto [a, b] = net::pipe();
    const config_ptr of_client = client_config(), of_server = server_config();
    of_client->next_protos = {"http/1.1", "odd\n"};
    of_server->next_protos = {h2 ? "h2" : "other"};
    tls_ends ends(a, b, of_client, of_server);
    const auto [c, s] = ends.shake();
    CHECK((h2 || s.text() == "tls: client requested unsupported application protocols ([\"http/1.1\" \"odd?\"])"));
    CHECK((h2 || c.text() == "remote error: tls: no application protocol"));
    CHECK((!h2 || (!s && !c)));
    CHECK(tls::state_of(ends.client).negotiated_protocol.empty());
  }
}

FIBER_TEST("a listener's connections are encrypted; dial takes the host for the server's name") {
  auto [l, err] = tls::listen("tcp", "127.0.0.1:0", server_config());
  CHECK(err == nil);
  crew serving;
  serving.go([&] { serve_echo(l); });
  auto config = std::make_shared<tls::config>();
  config->root_cas = trusting(root());
  auto [c, dial_err] = tls::dial("tcp", l.addr().text(), config);
  CHECK(dial_err == nil);
  CHECK(tls::state_of(c).server_name == "127.0.0.1");
  CHECK(c.write("hello").second == nil);
  CHECK(read_n(c, 5) == "hello");
  CHECK(c.remote_addr().text() == l.addr().text());
  CHECK(c.native_handle() == -1);
  CHECK(c.set_no_delay(true) == nil);
  CHECK(c.close() == nil);
  // The system does not trust our root, nor is it for that address.
  auto [no, refused] = tls::dial("tcp", l.addr().text(), client_config("other.example"));
  CHECK(refused.text() ==
        "tls: failed to verify certificate: x509: certificate is valid for example.com, not other.example");
  CHECK((no == nil));
  l.close();
  CHECK(tls::listen("tcp", "127.0.0.1:0", nullptr).second.text() ==
        "tls: neither Certificates nor GetCertificate set in Config");
}

FIBER_TEST("several parts are one write") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  CHECK(ends.shake() == std::pair(error(), error()));
  const std::string large = pattern(40'000);
  crew writing;
  writing.go([&] {
    const auto [n, err] = ends.server.writev({"header ", "", "and ", large, "", "tail"});
    CHECK(n == 40'015);
    CHECK(err == nil);
  });
  char first[4096];
  // The small ones share a record.
  CHECK(ends.client.read(first).first == 4096);
  CHECK(std::string_view(first, 11) == "header and ");
  CHECK(read_n(ends.client, 40'015 - 4096) == (large + "tail").substr(4096 - 11));
}

FIBER_TEST("a certificate is chosen by the name that is asked for, and by a hook that may wait") {
  const made_cert other = make_cert({.name = "other", .names = "DNS:*.other.example", .issuer = &root()});
  const config_ptr of_server = server_config();
  of_server->certificates.push_back(other.pair());
  auto subject_for = [&](const char* name) {
    auto [a, b] = net::pipe();
    tls_ends ends(a, b, client_config(name), of_server);
    const auto [c, s] = ends.shake();
    return c ? c.text() : tls::state_of(ends.client).peer_certificates.at(0).subject;
  };
  CHECK(subject_for("a.other.example") == "CN=other");
  CHECK(subject_for("example.com") == "CN=example.com");
  of_server->get_certificate = [&](const tls::client_hello_info& hello) -> std::pair<tls::certificate, error> {
    time::sleep(1ms);
    CHECK((hello.conn != nil));
    if (hello.server_name == "a.other.example") {
      return {tls::certificate(), errors::make("nobody knows")};
    }
    return {hello.server_name == "b.other.example" ? other.pair() : tls::certificate(), nil};
  };
  CHECK(subject_for("a.other.example") == "remote error: tls: internal error");
  CHECK(subject_for("b.other.example") == "CN=other");
  CHECK(subject_for("example.com") == "CN=example.com");
}

FIBER_TEST("a session is resumed, unless the server gives no tickets") {
  const std::pair<std::uint16_t, bool> kinds[] = {
      {tls::version_tls12, false}, {tls::version_tls12, true}, {tls::version_tls13, false}, {tls::version_tls13, true}};
  for (const auto& [version, off] : kinds) {
    const config_ptr of_client = client_config(), of_server = server_config();
    of_client->max_version = version;
    of_client->client_session_cache = tls::new_lru_client_session_cache(1);
    of_server->session_tickets_disabled = off;
    for (int i = 0; i < 4; i++) {
      auto [a, b] = net::pipe();
      tls_ends ends(a, b, of_client, of_server);
      crew serving;
      serving.go([&] { CHECK(ends.server.write("x").second == nil); });
      CHECK(read_n(ends.client, 1) == "x");
      serving.join();
      CHECK(tls::state_of(ends.client).did_resume == (i > 0 && !off));
      CHECK(tls::state_of(ends.server).did_resume == (i > 0 && !off));
      // Certificates are those of the first time.
      CHECK(tls::state_of(ends.client).peer_certificates.size() == 1);
    }
  }
}

FIBER_TEST("a session is not resumed by another config, which may trust others, though it has the same cache") {
  const config_ptr careless = client_config(), careful = client_config(), of_server = server_config(make_cert({}));
  careless->insecure_skip_verify = true;
  careless->client_session_cache = careful->client_session_cache = tls::new_lru_client_session_cache(0);
  for (const config_ptr& of_client : {careless, careful}) {
    auto [a, b] = net::pipe();
    tls_ends ends(a, b, of_client, of_server);
    crew serving;
    serving.go([&] { ends.server.write("x"); });
    const std::string got = read_n(ends.client, 1);
    CHECK(got == (of_client == careless ? "x" : ""));
  }
}

FIBER_TEST("the key log has the secrets of each connection, line by line") {
  auto [a, b] = net::pipe();
  io::buffer log;
  const config_ptr of_client = client_config();
  of_client->key_log_writer = io::writer(&log);
  tls_ends ends(a, b, of_client);
  CHECK(ends.shake() == std::pair(error(), error()));
  const std::string text(log.text());
  CHECK(text.substr(0, 33) == "SERVER_HANDSHAKE_TRAFFIC_SECRET " + text.substr(32, 1));
  CHECK(text.find("\nCLIENT_TRAFFIC_SECRET_0 ") != text.npos);
  CHECK(text.back() == '\n');
}

FIBER_TEST("a config that was copied is a config of its own") {
  const config_ptr first = server_config();
  auto second = std::make_shared<tls::config>(*first);
  CHECK(&first->core() != &second->core());
  CHECK(second->certificates.size() == 1);
  auto [a, b] = net::pipe();
  tls_ends ends(a, b, client_config(), second);
  CHECK(ends.shake() == std::pair(error(), error()));
}

FIBER_TEST("what lies in the session is known, though the kernel has nothing") {
  net_pair below;
  tls_ends ends(below.a, below.b);
  CHECK_FALSE(tls::has_input(ends.client));
  CHECK_FALSE(tls::has_input(below.a));
  const auto said = ends.shake();
  CHECK(said.first == nil);
  CHECK(said.second == nil);
  CHECK(ends.server.write("one").second == nil);
  CHECK(ends.server.write("twofour").second == nil);
  CHECK(read_n(ends.client, 3) == "one");
  CHECK(tls::has_input(ends.client));  // a record
  CHECK(read_n(ends.client, 3) == "two");
  CHECK(tls::has_input(ends.client));  // the rest of one
  CHECK(read_n(ends.client, 4) == "four");
  CHECK_FALSE(tls::has_input(ends.client));
}
