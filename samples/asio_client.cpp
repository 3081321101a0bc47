// asio_client: sockets of Boost.Asio's under use_fiber: each operation is a call that parks the fiber. The client talks
// to a server in the same program, which shouts back whatever it is told, but for one word.
//
//   $ tools/dev run asio_client
//   hello: HELLO
//   fibers: FIBERS
//   silence: no answer within 50 ms
//   bye: BYE
//   then: End of file
#include <gossamer/asio.hpp>
#include <gossamer/gossamer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <iostream>
#include <string>

using namespace gossamer;
namespace asio = boost::asio;
using asio::ip::tcp;

void shout(tcp::socket client) {
  std::string input;
  while (true) {
    boost::system::error_code ec;
    const std::size_t n = asio::async_read_until(client, asio::dynamic_buffer(input), '\n', use_fiber[ec]);
    if (ec) return;
    std::string line = input.substr(0, n);
    input.erase(0, n);
    if (line == "silence\n") continue;
    const bool last = line == "bye\n";
    for (char& c : line) c = static_cast<char>(std::toupper(c));
    asio::async_write(client, asio::buffer(line), use_fiber[ec]);
    if (ec || last) return;
  }
}

int main() {
  return run([] {
    tcp::acceptor acceptor(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
    go([&] { shout(acceptor.async_accept(use_fiber)); });

    tcp::socket server(runtime::io_context());
    server.async_connect(acceptor.local_endpoint(), use_fiber);  // what goes wrong is thrown

    std::string input;
    const auto read_line = [&](auto token) {
      const std::size_t n = asio::async_read_until(server, asio::dynamic_buffer(input), '\n', token);
      const std::string line = input.substr(0, n > 0 ? n - 1 : 0);
      input.erase(0, n);
      return line;
    };
    boost::system::error_code ec;  // what goes wrong is told
    for (const std::string word : {"hello", "fibers", "silence", "bye"}) {
      asio::async_write(server, asio::buffer(word + "\n"), use_fiber);
      const std::string answer = read_line(use_fiber.within(word == "silence" ? 50ms : 10s)[ec]);
      std::cout << word << ": " << (ec == asio::error::timed_out ? "no answer within 50 ms" : answer) << '\n';
    }
    read_line(use_fiber[ec]);
    std::cout << "then: " << ec.message() << '\n';
  });
}
