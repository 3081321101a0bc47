// Encrypted connections: peers that go away, that are slow, and that are no peers.
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
