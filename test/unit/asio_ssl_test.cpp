// use_fiber on Asio's ssl::stream: two fibers use one stream, on its strand. Needs OpenSSL.
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "gossamer/asio.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::scale;

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using stream = ssl::stream<tcp::socket>;

namespace {

// Both sides trust everybody: nothing here is about certificates.
ssl::context anonymous(ssl::context::method method) {
  ssl::context context(method);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
  CHECK(SSL_CTX_set_cipher_list(context.native_handle(), "aNULL:@SECLEVEL=0") == 1);
  return context;
}

tcp::socket socket_on_strand() { return tcp::socket(asio::make_strand(runtime::io_context())); }

// Two ends of a connection, hands shaken.
struct tls_pair {
  ssl::context of_server = anonymous(ssl::context::tls_server);
  ssl::context of_client = anonymous(ssl::context::tls_client);
  stream a{socket_on_strand(), of_server};
  stream b{socket_on_strand(), of_client};
  tls_pair() {
    tcp::acceptor acceptor(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
    support::crew crew;
    crew.go([&] {
      b.next_layer().async_connect(acceptor.local_endpoint(), use_fiber);
      b.async_handshake(stream::client, use_fiber.on(b));
    });
    acceptor.async_accept(a.next_layer(), use_fiber);
    a.async_handshake(stream::server, use_fiber.on(a));
  }
};

// What the sender and the receiver of a direction both know.
std::vector<std::uint8_t> bytes_of(unsigned seed, std::size_t size) {
  std::minstd_rand random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (std::uint8_t& b : bytes) {
    b = static_cast<std::uint8_t>(random());
  }
  return bytes;
}

void send(stream& to, const std::vector<std::uint8_t>& bytes) {
  std::minstd_rand random(3);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t n = std::min<std::size_t>(bytes.size() - at, 1 + random() % 40'000);
    asio::async_write(to, asio::buffer(bytes.data() + at, n), use_fiber.on(to));
    at += n;
  }
}

std::vector<std::uint8_t> receive(stream& from, std::size_t size) {
  std::vector<std::uint8_t> got(size);
  std::size_t at = 0;
  while (at < size) {
    at += from.async_read_some(asio::buffer(got.data() + at, size - at), use_fiber.on(from).within(1h));
  }
  return got;
}

}  // namespace

FIBER_TEST("a fiber that reads and one that writes share an ssl::stream, at both ends") {
  const auto size = static_cast<std::size_t>(scale(2'000'000));
  tls_pair pair;
  std::atomic<int> right = 0;
  support::crew crew;
  crew.go([&] { send(pair.a, bytes_of(1, size)); });
  crew.go([&] { send(pair.b, bytes_of(2, size)); });
  crew.go([&] { right += receive(pair.b, size) == bytes_of(1, size) ? 1 : 0; });
  crew.go([&] { right += receive(pair.a, size) == bytes_of(2, size) ? 1 : 0; });
  crew.join();
  CHECK(right == 2);
}

FIBER_TEST("a TLS read that is cancelled, or takes too long, ends; so does the other end") {
  tls_pair pair;
  char byte = 0;
  error_code ec;
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  defer d1{cancel};
  CHECK(pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber.on(pair.a)(ctx)[ec]) == 0);
  CHECK(ec == asio::error::operation_aborted);
  // Without on(): one fiber at a time.
  CHECK(pair.b.async_read_some(asio::buffer(&byte, 1), use_fiber.within(2ms)[ec]) == 0);
  CHECK(ec == asio::error::timed_out);
  pair.a.next_layer().close();
  CHECK(pair.b.async_read_some(asio::buffer(&byte, 1), use_fiber[ec]) == 0);
  CHECK(ec == ssl::error::stream_truncated);
}
