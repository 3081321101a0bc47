// ws_echo: WebSocket's two sides, for peers that we did not write.
//   ws_echo serve              says where it listens, and echoes what comes, compressed if the peer asks, until stdin
//   ends ws_echo dial URL           sends messages of many sizes, compressed and not, to an echo, and compares
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>
#include <gossamer/ws.hpp>

#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>

using namespace gossamer;

namespace {

int serve() {
  auto [l, err] = net::listen("tcp", "127.0.0.1:0");
  if (err) {
    std::cerr << err << '\n';
    return 1;
  }
  std::cout << l.addr() << std::endl;
  sync::wait_group at_work;
  http::server srv;
  srv.handler = [&at_work](http::response_writer& w, http::request& r) {
    at_work.add(1);  // while the server still waits for the handler
    defer d1{[&] { at_work.done(); }};
    auto [c, accept_err] =
        ws::accept(w, r, {.subprotocols = {"echo"}, .compression = ws::compression_mode::context_takeover});
    if (accept_err) {
      return;
    }
    c.set_read_limit(-1);
    for (;;) {
      auto [type, message, read_err] = c.read();
      if (read_err || c.write({}, type, message)) {
        break;
      }
    }
  };
  sync::wait_group serving;
  serving.go([&srv, l = l] { srv.serve(l); });
  char byte[1];
  while (os::standard_input().read(byte).first > 0) {
  }
  srv.close();
  serving.wait();
  at_work.wait();
  return 0;
}

bool comes_back(const ws::conn& c, ws::message_type type, const std::string& sent) {
  sync::wait_group writing;
  writing.go([&] { c.write({}, type, sent); });
  const auto [came, message, err] = c.read();
  writing.wait();
  return !err && came == type && message == sent;
}

int dial(std::string_view url) {
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::no_context_takeover,
                          ws::compression_mode::context_takeover}) {
    auto [c, err] = ws::dial(context::background(), url,
                             {.subprotocols = {"echo"}, .compression = mode, .compression_threshold = 1});
    if (err) {
      std::cerr << err << '\n';
      return 1;
    }
    c.set_read_limit(-1);
    for (const std::size_t n : {0, 1, 125, 126, 65535, 65536, 1'000'000}) {
      std::string text;
      for (std::size_t i = 0; i < n; i++) {
        text += static_cast<char>('a' + i * i % 23);
      }
      if (!comes_back(c, ws::message_type::text, text) || !comes_back(c, ws::message_type::binary, text)) {
        std::cerr << n << " bytes did not come back\n";
        return 1;
      }
    }
    err = c.close(ws::status_code(4000), "enough");
    std::cout << c.subprotocol() << ' ' << (err ? err.text() : "closed") << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  return what == "serve" ? run(serve) : argc > 2 ? run([&] { return dial(argv[2]); }) : 2;
}
