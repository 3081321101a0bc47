// http_beast: the hello of http_server.cpp on plain Beast with callbacks, one thread, to compare with. It writes the
// same fields. usage: http_beast -m callbacks [-p PORT] [-w 1]
#include <boost/asio.hpp>
#include <boost/beast.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// As it stands in `Date`; made once a second.
std::string_view date() {
  static std::time_t made = 0;
  static std::array<char, 32> text;
  static std::size_t length = 0;
  if (const std::time_t now = std::time(nullptr); now != made) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return {text.data(), length};
}

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void receive() {
    request_.emplace();
    http::async_read(socket_, buffer_, *request_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (!ec) {
        self->answer();
      }
    });
  }

 private:
  void answer() {
    answer_.emplace(http::status::ok, 11);
    answer_->set(http::field::date, boost::beast::string_view(date().data(), date().size()));
    answer_->set(http::field::content_type, "text/plain; charset=utf-8");
    answer_->body() = "Hello, world!\n";
    answer_->prepare_payload();
    http::async_write(socket_, *answer_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (!ec) {
        self->receive();
      }
    });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_;
  std::optional<http::request<http::string_body>> request_;
  std::optional<http::response<http::string_body>> answer_;
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

}  // namespace

int main(int argc, char** argv) {
  asio::ip::port_type port = 9000;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "-p") {
      port = static_cast<asio::ip::port_type>(std::atoi(argv[i + 1]));
    }
  }
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {tcp::v4(), port});
  accept_next(acceptor);
  std::fputs("ready\n", stderr);
  context.run();
}
