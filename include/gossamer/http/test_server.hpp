// http/test_server: a server whose network is in memory.
// Source: Go's httptest.NewTestServer. Differs: dial() gives raw connections, too.
//
//   http::test::server srv(handler);
//   auto [resp, err] = srv.client().get(srv.url());
//
//   const net::conn c = srv.dial();
//   c.write("GET / HTTP/1.0\r\n\r\n");
//   const auto [answer, err] = io::read_all(c);
#pragma once

#include <memory>
#include <string>

#include "../detail/config.hpp"
#include "../net/conn.hpp"
#include "client.hpp"
#include "handler.hpp"
#include "server.hpp"

namespace gossamer::inline v0::http {
class transport;
}  // namespace gossamer::inline v0::http

namespace gossamer::inline v0::http::test {

struct network_state;  // lib/http
struct server_calls;

// Two ends of a connection in memory, like one of TCP: what one writes waits until the other reads it, as much as there
// is memory. With deadlines, close_read() and close_write(). set_write_buffer() bounds what may wait of this end's
// writes, and set_read_buffer() what may wait for it: then writes wait, too. The addresses are TCP's, of nobody.
[[nodiscard]] GOSSAMER_API std::pair<net::conn, net::conn> memory_pipe();

// A network with one listener, in memory: what dial() makes, it accepts. A handle; from any fiber or thread.
class GOSSAMER_API network {
 public:
  network();

  // Always the same. Closing it refuses what is dialed then, and ends what was not accepted.
  const net::listener& listener() const noexcept { return listener_; }
  // Does not wait until it is accepted. Error: `dial tcp 192.0.2.1:80: connect: connection refused`.
  std::pair<net::conn, gossamer::error> dial() const;

 private:
  std::shared_ptr<network_state> state_;
  net::listener listener_;
};

// Serves on such a network, until it goes. In place. From any fiber; start() and close() once each.
class GOSSAMER_API server {
 public:
  struct not_started {};

  // Serves at once. nil: everything is answered with 500.
  explicit server(http::handler h);
  // The fields of `config` may be set, until start() is called.
  server(http::handler h, not_started);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  // As close().
  ~server();

  void start();
  // A connection to it, closed where the server is.
  net::conn dial() const;
  const net::listener& listener() const noexcept { return network_.listener(); }
  // Its connections are to this server, whatever host is asked for. Its fields may be set.
  http::client& client() noexcept { return client_; }
  // `http://example.com`
  static std::string url() { return "http://example.com"; }
  // Refuses new connections, ends those that no request is on, and waits until the others have ended: what client() has
  // got is read, or closed, before. Hijacked ones are not waited for.
  void close();
  // Ends all connections at once, and those that are made meanwhile not.
  void close_client_connections();

  http::server config;

 private:
  network network_;
  std::shared_ptr<server_calls> calls_;
  std::shared_ptr<http::transport> transport_;
  http::client client_;
};

}  // namespace gossamer::inline v0::http::test
