// ws: with Boost.Beast's websocket::stream on the other side.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <string>
#include <string_view>

#include "http_served.hpp"

using namespace gossamer;
namespace beast = boost::beast;

namespace {

// A connection of ours as Beast wants one; its calls park.
struct parking_stream {
  using executor_type = boost::asio::io_context::executor_type;
  net::conn c;
  boost::asio::io_context* io;

  executor_type get_executor() const noexcept { return io->get_executor(); }
  template <class Buffers>
  std::size_t read_some(const Buffers& to, beast::error_code& ec) {
    ec = {};
    for (const auto b : beast::buffers_range_ref(to)) {
      if (b.size() > 0) {
        const auto [n, err] = c.read(std::span(static_cast<std::byte*>(b.data()), b.size()));
        if (err && n == 0) {
          ec = err == io::eof ? beast::error_code(boost::asio::error::eof) : boost::asio::error::connection_reset;
        }
        return n;
      }
    }
    return 0;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from, beast::error_code& ec) {
    ec = {};
    std::size_t all = 0;
    for (const auto b : beast::buffers_range_ref(from)) {
      const auto [n, err] = c.write(std::span(static_cast<const std::byte*>(b.data()), b.size()));
      all += n;
      if (err) {
        ec = boost::asio::error::connection_reset;
        break;
      }
    }
    return all;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& to) {
    beast::error_code ec;
    return read_some(to, ec);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from) {
    beast::error_code ec;
    return write_some(from, ec);
  }
};
void teardown(beast::role_type, parking_stream& s, beast::error_code& ec) {
  s.c.close();
  ec = {};
}
using beast_conn = beast::websocket::stream<parking_stream>;

void set_deflate(beast_conn& b, bool on, bool alone) {
  beast::websocket::permessage_deflate how;
  how.client_enable = how.server_enable = on;
  how.client_no_context_takeover = how.server_no_context_takeover = alone;
  b.set_option(how);
}

// What has come, of Beast.
std::string next_of(beast_conn& b, beast::error_code& ec) {
  beast::flat_buffer room;
  b.read(room, ec);
  return std::string(static_cast<const char*>(room.data().data()), room.size());
}

constexpr std::size_t sizes[] = {0, 1, 125, 126, 5000, 65535, 65536, 200'000};

}  // namespace

FIBER_TEST("ws beast: our server, its client") {
  for (const bool deflate : {false, true}) {
    for (const bool alone : {false, true}) {
      support::served s([](http::response_writer& w, http::request& r) {
        const auto [c, err] =
            ws::accept(w, r, {.compression = ws::compression_mode::context_takeover, .compression_threshold = 1});
        CHECK(err == nil);
        c.set_read_limit(-1);
        for (;;) {
          const auto [type, message, read_err] = c.read();
          if (read_err) {
            CHECK(ws::close_status(read_err) == ws::status_code::going_away);
            return;
          }
          CHECK(c.write({}, type, message) == nil);
        }
      });
      s.start();
      boost::asio::io_context io;
      beast_conn b(parking_stream{s.dial(), &io});
      set_deflate(b, deflate, alone);
      beast::error_code ec;
      b.handshake("example.com", "/", ec);
      CHECK(!ec);
      for (const std::size_t n : sizes) {
        const std::string sent = support::pattern(n);
        b.binary(true);
        b.write(boost::asio::buffer(sent), ec);
        CHECK(!ec);
        CHECK((next_of(b, ec) == sent));
        CHECK(!ec);
      }
      b.close({beast::websocket::close_code::going_away, "bye"}, ec);
      CHECK(!ec);
      b.next_layer().c.close();
    }
  }
}

FIBER_TEST("ws beast: our client, its server") {
  for (const bool deflate : {false, true}) {
    for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::no_context_takeover,
                            ws::compression_mode::context_takeover}) {
      support::bound_listener place;
      support::crew fibers;
      fibers.go([&] {
        boost::asio::io_context io;
        beast_conn b(parking_stream{place.l.accept().first, &io});
        set_deflate(b, deflate, false);
        beast::error_code ec;
        b.accept(ec);
        CHECK(!ec);
        b.read_message_max(0);
        b.binary(true);
        while (!ec) {
          const std::string message = next_of(b, ec);
          if (!ec) {
            b.write(boost::asio::buffer(message), ec);
          }
        }
        CHECK(ec == beast::websocket::error::closed);
        CHECK(b.reason().code == 4000);
        b.next_layer().c.close();
      });
      const auto [c, err] = ws::dial(context::background(), "ws://" + place.place() + "/",
                                     {.compression = mode, .compression_threshold = 1});
      CHECK(err == nil);
      c.set_read_limit(-1);
      for (const std::size_t n : sizes) {
        const std::string sent = support::pattern(n);
        support::crew writer;
        writer.go([&, &c = c] { CHECK(c.write({}, ws::message_type::binary, sent) == nil); });
        CHECK((std::get<1>(c.read()) == sent));
      }
      CHECK(c.close(ws::status_code(4000)) == nil);
    }
  }
}
