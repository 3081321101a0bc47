// Encrypted connections: peers that go away, that are slow, and that are no peers.
#include <openssl/ssl.h>
#include <gossamer/io.hpp>
#include <gossamer/tls.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "net_pair.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace support;

namespace {

// A connection that hands out what it reads in pieces of so many bytes, and is cut off after so many.
class shaping final : public net::conn_interface {
 public:
  shaping(net::conn below, std::size_t piece, std::size_t most)
      : below_(std::move(below)), piece_(piece), left_(most) {}
  net::io_result read(std::span<std::byte> to, const net::ending& end, std::source_location where) override {
    if (left_ == 0) {
      return {0, io::eof};
    }
    auto r = below_.read(to.first(std::min({to.size(), piece_, left_})), end, where);
    left_ -= r.first;
    return r;
  }
  net::io_result write(net::buffer from, const net::ending& end, std::source_location where) override {
    return below_.write(from, end, where);
  }
  error close() override { return below_.close(); }
  error set_deadline(net::direction, net::time_point) override { return errors::make("no deadlines here"); }
  net::addr local_addr() const override { return below_.local_addr(); }
  net::addr remote_addr() const override { return below_.remote_addr(); }

 private:
  net::conn below_;
  std::size_t piece_;
  std::size_t left_;
};

// A server by OpenSSL alone, which does what gossamer's has no call for. All its steps are in one fiber.
class raw_server {
 public:
  explicit raw_server(net::conn below) : below_(std::move(below)) {
    load(of_server());
    SSL_CTX_set_num_tickets(context_, 0);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_);
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;
  ~raw_server() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  void shake() {
    while (SSL_do_handshake(ssl_) != 1) {
      send();
      take();
    }
    send();
  }
  // Wants one of the client, too.
  void update_keys() {
    CHECK(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK(SSL_do_handshake(ssl_) == 1);
    send();
  }
  // Asks for another handshake, which TLS 1.2 knows; it is refused.
  void renegotiate() {
    CHECK(SSL_renegotiate(ssl_) == 1);
    SSL_do_handshake(ssl_);
    send();
  }
  void write(std::string_view text) {
    CHECK(SSL_write(ssl_, text.data(), static_cast<int>(text.size())) > 0);
    send();
  }
  std::string read() {
    char room[100];
    int n = 0;
    while ((n = SSL_read(ssl_, room, sizeof room)) <= 0 && take()) {
    }
    return std::string(room, static_cast<std::size_t>(std::max(n, 0)));
  }

 private:
  void load(const made_cert& made) {
    BIO* const cert = BIO_new_mem_buf(made.cert.data(), static_cast<int>(made.cert.size()));
    BIO* const key = BIO_new_mem_buf(made.key.data(), static_cast<int>(made.key.size()));
    X509* const c = PEM_read_bio_X509(cert, nullptr, nullptr, nullptr);
    EVP_PKEY* const k = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    CHECK(SSL_CTX_use_cert_and_key(context_, c, k, nullptr, 1) == 1);
    X509_free(c);
    EVP_PKEY_free(k);
    BIO_free(cert);
    BIO_free(key);
  }
  void send() {
    char room[4096];
    int n = 0;
    while ((n = BIO_read(SSL_get_wbio(ssl_), room, sizeof room)) > 0) {
      CHECK(below_.write(std::span(room).first(static_cast<std::size_t>(n))).second == nil);
    }
  }
  bool take() {
    char room[4096];
    const auto [n, err] = below_.read(room);
    CHECK(err == nil);
    BIO_write(SSL_get_rbio(ssl_), room, static_cast<int>(n));
    return n > 0;
  }

  net::conn below_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_server_method());
  SSL* ssl_ = nullptr;
};

// What a server says to one that sends these bytes, and goes.
error of_server_to(std::string_view bytes) {
  net_pair below;
  const net::conn server = tls::server(below.b, server_config());
  CHECK(below.a.write(bytes).second == nil);
  CHECK(below.a.close_write() == nil);
  return tls::handshake(server);
}

}  // namespace

FIBER_TEST("byte by byte is enough") {
  auto [a, b] = net::pipe();
  tls_ends ends(net::make_conn<shaping>(a, 1, ~std::size_t{0}), net::make_conn<shaping>(b, 1, ~std::size_t{0}));
  crew serving;
  serving.go([&] {
    CHECK(read_n(ends.server, 1000) == pattern(1000));
    CHECK(ends.server.close() == nil);
  });
  CHECK(ends.client.write(pattern(1000)).second == nil);
  CHECK(read_all(ends.client) == std::pair(std::string(), error()));
}

FIBER_TEST("a peer that goes in the midst of the handshake: EOF, and unexpected EOF in a record") {
  for (const std::size_t most : {0, 1, 4, 5, 6, 100, 300}) {
    auto [a, b] = net::pipe();
    tls_ends ends(a, net::make_conn<shaping>(b, 64, most));
    crew client;
    client.go([&] { CHECK(tls::handshake(ends.client) != nil); });
    const error err = tls::handshake(ends.server);
    CHECK((most == 300 || err == (most == 0 ? error(io::eof) : error(io::unexpected_eof))));
    CHECK(err != nil);
    tls::net_conn(ends.server).close();
  }
}

FIBER_TEST("what does not look like TLS is known by its first record, and may be answered below") {
  net_pair below;
  const net::conn server = tls::server(below.b, server_config());
  CHECK(below.a.write("GET / HTTP/1.1\r\n\r\n").second == nil);
  const error err = tls::handshake(server);
  CHECK(err.text() == "tls: first record does not look like a TLS handshake");
  const auto* const header = errors::as<tls::record_header_error>(err);
  CHECK(header != nullptr);
  if (header != nullptr) {
    CHECK(header->record_header()[0] == 'G');
    CHECK((header->conn() == below.b));
    CHECK(header->conn().write("no").second == nil);
  }
  CHECK(read_n(below.a, 2) == "no");
}

FIBER_TEST("a client that gets an answer in plain text says so") {
  net_pair below;
  const net::conn client = tls::client(below.a, client_config());
  CHECK(below.b.write("HTTP/1.1 400 Bad Request\r\n\r\n").second == nil);
  const error err = tls::handshake(client);
  const auto* const header = errors::as<tls::record_header_error>(err);
  CHECK(header != nullptr);
  CHECK((header == nullptr || header->record_header() == tls::record_header_error::bytes{'H', 'T', 'T', 'P', '/'}));
  CHECK((header == nullptr || header->conn() == nil));
}

FIBER_TEST("records that hold no handshake end it with an error, whatever they hold") {
  CHECK(of_server_to("") == io::eof);
  CHECK(of_server_to("\x16") == io::unexpected_eof);
  for (unsigned seed = 1; seed <= 20; seed++) {
    const std::string noise = pattern(seed * 17, seed);
    std::string record("\x16\x03\x01", 3);
    record += static_cast<char>(noise.size() >> 8);
    record += static_cast<char>(noise.size() & 0xff);
    CHECK(of_server_to(noise) != nil);
    CHECK(of_server_to(record + noise) != nil);
  }
}

FIBER_TEST("a record that was changed on its way is not read, and nothing behind it") {
  net_pair below;
  tls_ends ends(below.a, below.b);
  CHECK(ends.shake() == std::pair(error(), error()));
  CHECK(below.b.write(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x')).second == nil);
  CHECK(ends.server.write("behind").second == nil);
  char bytes[16];
  const error err = ends.client.read(bytes).second;
  CHECK(err.text() == "local error: tls: bad record MAC");
  CHECK(ends.client.read(bytes).second == err);
  // It is told, and gives up as well.
  CHECK(ends.server.read(bytes).second.text() == "remote error: tls: bad record MAC");
}

FIBER_TEST("a connection below that breaks breaks this one, with its error") {
  net_pair below;
  tls_ends ends(below.a, below.b);
  CHECK(ends.shake() == std::pair(error(), error()));
  CHECK(below.b.set_linger(0) == nil);
  CHECK(below.b.close() == nil);
  char byte[1];
  const error err = ends.client.read(byte).second;
  CHECK(errors::is(err, std::errc::connection_reset));
  while (!ends.client.write("x").second) {
    runtime::gosched();
  }
  const error broken = ends.client.write("x").second;
  CHECK(ends.client.write("x").second == broken);
}

FIBER_TEST("who closes while many read and write ends all of them") {
  net_pair below;
  tls_ends ends(below.a, below.b);
  CHECK(ends.shake() == std::pair(error(), error()));
  std::atomic<int> over = 0;
  crew many;
  for (int i = 0; i < 4; i++) {
    many.go([&] {
      char bytes[100];
      while (!ends.server.read(bytes).second) {
      }
      ++over;
    });
    many.go([&] {
      while (!ends.client.write("some bytes").second) {
      }
      ++over;
    });
    many.go([&] {
      char byte[1];
      CHECK(errors::is(ends.client.read(byte).second, net::closed));
      ++over;
    });
  }
  time::sleep(3ms);
  ends.client.close();
  many.join();
  CHECK(over == 12);
}

FIBER_TEST("a peer that reads nothing does not keep close for long, nor one below without deadlines") {
  auto [a, b] = net::pipe();
  tls_ends ends(net::make_conn<shaping>(a, 4096, ~std::size_t{0}), b);
  CHECK(ends.shake() == std::pair(error(), error()));
  crew reading;
  reading.go([&] { CHECK(read_all(ends.server) == std::pair(std::string(), error())); });
  CHECK(ends.client.set_deadline(std::chrono::steady_clock::now() + 1h).text() == "no deadlines here");
  CHECK(ends.client.close() == nil);
}

FIBER_TEST("a read that is cancelled while it owes an answer breaks nothing: the next write sends it") {
  auto [a, b] = net::pipe();
  const net::conn client = tls::client(a, client_config());
  auto [ctx, cancel] = context::with_cancel(context::background());
  chan<void> given_up = make_chan<void>();
  crew peer;
  peer.go([&, below = b, cancel = cancel] {
    raw_server server(below);
    server.shake();
    // The client has read it when this is over, and writes its answer, which nobody reads: not before it has given up.
    server.update_keys();
    cancel();
    given_up.recv();
    CHECK(server.read() == "after it");
    server.write("by new keys");
    CHECK(server.read() == "and so on");
  });
  char room[100];
  CHECK(errors::is(client.read(room, ctx).second, context::canceled));
  given_up.close();
  CHECK(client.write("after it").second == nil);
  CHECK(read_n(client, 11) == "by new keys");
  CHECK(client.write("and so on").second == nil);
  peer.join();
  tls::net_conn(client).close();
}

FIBER_TEST("a read that is cancelled before its warning has gone breaks nothing: the next write sends both") {
  auto [a, b] = net::pipe();
  auto config = client_config();
  config->max_version = tls::version_tls12;
  const net::conn client = tls::client(a, config);
  auto [ctx, cancel] = context::with_cancel(context::background());
  chan<void> given_up = make_chan<void>();
  crew peer;
  peer.go([&, below = b, cancel = cancel] {
    raw_server server(below);
    server.shake();
    server.renegotiate();
    cancel();
    given_up.recv();
    constexpr char alert = 21, data = 23;
    char room[4096];
    const auto [n, err] = below.read(room);
    CHECK(err == nil);
    CHECK(room[0] == alert);
    const std::size_t next = 5U + static_cast<unsigned char>(room[4]);
    CHECK(n > next);
    CHECK(room[next] == data);
  });
  char room[100];
  CHECK(errors::is(client.read(room, ctx).second, context::canceled));
  given_up.close();
  CHECK(client.write("after it").second == nil);
  peer.join();
  tls::net_conn(client).close();
}

PLAIN_TEST("from plain threads") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  std::thread serving([&] {
    CHECK(read_n(ends.server, 1) == "x");
    CHECK(ends.server.write("y").second == nil);
  });
  CHECK(ends.client.write("x").second == nil);
  CHECK(read_n(ends.client, 1) == "y");
  serving.join();
}

FIBER_TEST("a nil connection below is an error of each call") {
  const net::conn c = tls::server(nullptr, server_config());
  char byte[1];
  CHECK(c.read(byte).second.text() == "invalid argument");
  CHECK(c.write("x").second.text() == "invalid argument");
  CHECK(c.set_deadline(nullptr).text() == "invalid argument");
  CHECK(c.close().text() == "invalid argument");
}
