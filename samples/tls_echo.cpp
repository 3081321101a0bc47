// tls_echo: TLS over Boost.Asio's ssl::stream. Two fibers use one stream at a time, one to read and one to write: the
// stream is made with a strand, and their operations run on it.
//
//   $ tools/dev run tls_echo
//   TLSv1.3: 1000 lines there and back
//
// Without arguments server and client are in one program. Otherwise:
//   tls_echo --serve 127.0.0.1:4433      the server, with a certificate made on the spot; port 0: a free one
//   tls_echo --connect 127.0.0.1:4433    sends its standard input, prints what comes back
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <gossamer/asio.hpp>
#include <gossamer/gossamer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

using namespace gossamer;
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using stream = ssl::stream<tcp::socket>;

// A key and a certificate that nobody has signed but itself.
ssl::context self_signed() {
  ssl::context context(ssl::context::tls_server);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), &X509_free);
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 24 * 60 * 60);
  X509_NAME* const name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("tls_echo"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  X509_set_pubkey(cert.get(), key.get());
  if (X509_sign(cert.get(), key.get(), EVP_sha256()) == 0 ||
      SSL_CTX_use_certificate(context.native_handle(), cert.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) != 1) {
    throw std::runtime_error("tls_echo: OpenSSL makes no certificate");
  }
  return context;
}

tcp::endpoint endpoint_of(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("tls_echo: not ADDRESS:PORT: " + text);
  return {asio::ip::make_address(text.substr(0, colon)),
          static_cast<unsigned short>(std::stoi(text.substr(colon + 1)))};
}

// On a strand over the runtime's io_context: the steps of an operation are work for whoever polls, not for a fiber.
tcp::socket socket_on_strand() { return tcp::socket(asio::make_strand(runtime::io_context())); }

// Sends back what comes, until the client has said all. What goes wrong ends this connection only.
void echo(stream& client) {
  try {
    client.async_handshake(ssl::stream_base::server, use_fiber.on(client).within(10s));
    char bytes[16 * 1024];
    boost::system::error_code ec;
    while (const std::size_t n = client.async_read_some(asio::buffer(bytes), use_fiber.on(client)[ec])) {
      asio::async_write(client, asio::buffer(bytes, n), use_fiber.on(client));
    }
    client.async_shutdown(use_fiber.on(client).within(1s)[ec]);
  } catch (const boost::system::system_error& e) {
    std::cerr << "tls_echo: " << e.what() << '\n';
  }
}

void serve(tcp::acceptor& acceptor, ssl::context& context) {
  while (true) {
    boost::system::error_code ec;
    auto socket = std::make_shared<tcp::socket>(socket_on_strand());
    acceptor.async_accept(*socket, use_fiber[ec]);
    if (ec == asio::error::operation_aborted) return;
    if (ec) {
      time::sleep(10ms);  // no descriptor is left, say
      continue;
    }
    go([socket, &context] {
      stream client(std::move(*socket), context);
      echo(client);
    });
  }
}

// Sends all that next_line() gives, up to an empty string, and reads as many lines: at the same time, in two fibers.
// Returns the version of TLS.
std::string talk(const tcp::endpoint& to, const std::function<std::string()>& next_line,
                 const std::function<void(const std::string& sent, const std::string& got)>& answered) {
  ssl::context context(ssl::context::tls_client);  // it trusts everybody
  stream server(socket_on_strand(), context);
  server.next_layer().async_connect(to, use_fiber);
  server.async_handshake(ssl::stream_base::client, use_fiber.on(server));

  auto sent = make_chan<std::string>(1000);
  go([&, sent] {
    boost::system::error_code ec;
    for (std::string line = next_line(); !line.empty() && !ec; line = next_line()) {
      asio::async_write(server, asio::buffer(line), use_fiber.on(server)[ec]);
      sent << line;
    }
    close(sent);
  });
  std::string input;
  boost::system::error_code ec;
  for (const std::string& line : sent) {
    if (ec) continue;  // the writer fails too
    const std::size_t n =
        asio::async_read_until(server, asio::dynamic_buffer(input), '\n', use_fiber.on(server).within(10s)[ec]);
    if (ec) server.next_layer().close();
    answered(line, input.substr(0, n));
    input.erase(0, n);
  }
  if (ec) throw boost::system::system_error(ec);
  server.async_shutdown(use_fiber.on(server).within(1s)[ec]);
  return SSL_get_version(server.native_handle());
}

void connect(const std::string& to) {
  const auto next_line = [] {
    std::string line;
    runtime::blocking([&] { std::getline(std::cin, line); });
    return std::cin ? line + "\n" : "";
  };
  talk(endpoint_of(to), next_line, [](const std::string&, const std::string& got) { std::cout << got << std::flush; });
}

void both_in_one() {
  ssl::context context = self_signed();
  tcp::acceptor acceptor(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
  go([&] { serve(acceptor, context); });
  int made = 0;
  int same = 0;
  const auto next_line = [&] { return made < 1000 ? "line " + std::to_string(++made) + "\n" : ""; };
  const std::string version =
      talk(acceptor.local_endpoint(), next_line,
           [&](const std::string& sent, const std::string& got) { same += sent == got ? 1 : 0; });
  std::cout << version << ": " << same << " lines there and back\n";
}

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  if (argc != 1 && what != "--serve" && what != "--connect") {
    std::cerr << "usage: tls_echo [--serve ADDRESS:PORT | --connect ADDRESS:PORT]\n";
    return 1;
  }
  return run([&] {
    try {
      if (what == "--serve") {
        ssl::context context = self_signed();
        tcp::acceptor acceptor(runtime::io_context(), endpoint_of(argv[2]));
        std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
        serve(acceptor, context);
      } else if (what == "--connect") {
        connect(argv[2]);
      } else {
        both_in_one();
      }
    } catch (const std::exception& e) {
      std::cerr << "tls_echo: " << e.what() << '\n';
      return 1;
    }
    return 0;
  });
}
