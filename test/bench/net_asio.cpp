// net_asio: the echo of net_server.cpp on plain Asio, one thread, to compare with: callbacks, or coroutines.
// usage: net_asio -m callbacks|coroutines [-p PORT] [-w 1]
#include <boost/asio.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void receive() {
    socket_.async_read_some(asio::buffer(room_), [self = shared_from_this()](error_code ec, std::size_t n) {
      if (!ec) {
        self->answer(n);
      }
    });
  }

 private:
  void answer(std::size_t n) {
    asio::async_write(socket_, asio::buffer(room_, n), [self = shared_from_this()](error_code ec, std::size_t) {
      if (!ec) {
        self->receive();
      }
    });
  }

  tcp::socket socket_;
  std::array<char, 4096> room_;
};

void accept_next(tcp::acceptor& from) {
  from.async_accept([&from](error_code ec, tcp::socket socket) {
    if (!ec) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket))->receive();
    }
    accept_next(from);
  });
}

asio::awaitable<void> echo(tcp::socket socket) {
  std::array<char, 4096> room;
  for (;;) {
    const auto [ec, n] = co_await socket.async_read_some(asio::buffer(room), asio::as_tuple(asio::use_awaitable));
    if (ec) {
      co_return;
    }
    const auto [problem, written] =
        co_await asio::async_write(socket, asio::buffer(room, n), asio::as_tuple(asio::use_awaitable));
    if (problem || written != n) {
      co_return;
    }
  }
}

asio::awaitable<void> accept_all(tcp::acceptor& from) {
  for (;;) {
    tcp::socket socket = co_await from.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(from.get_executor(), echo(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view mode;
  asio::ip::port_type port = 9000;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "-m") {
      mode = argv[i + 1];
    } else if (std::string_view(argv[i]) == "-p") {
      port = static_cast<asio::ip::port_type>(std::atoi(argv[i + 1]));
    }
  }
  if (mode != "callbacks" && mode != "coroutines") {
    std::fputs("usage: net_asio -m callbacks|coroutines [-p PORT] [-w 1]\n", stderr);
    return 2;
  }
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::endpoint(tcp::v4(), port));
  acceptor.listen(4096);
  std::fputs("ready\n", stderr);
  if (mode == "callbacks") {
    accept_next(acceptor);
  } else {
    asio::co_spawn(context, accept_all(acceptor), asio::detached);
  }
  context.run();
}
