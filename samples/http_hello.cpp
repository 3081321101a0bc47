// http_hello: an HTTP server that greets.
//
//   $ tools/dev run http_hello
//   listening on 127.0.0.1:8080
//
// Then:
//   $ curl http://127.0.0.1:8080/hello/world
//   hello, world
#include <gossamer/fmt.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/net.hpp>

#include <iostream>

using namespace gossamer;

int main(int argc, char** argv) {
  return run([&] {
    http::handle_func("GET /hello/{name}", [](http::response_writer& w, http::request& r) {
      fmt::fprintln{w, "hello,", r.path_value("name")};
    });
    auto [l, err] = net::listen("tcp", argc > 1 ? argv[1] : "127.0.0.1:8080");
    if (!err) {
      std::cout << "listening on " << l.addr().text() << std::endl;
      err = http::serve(l, nil);
    }
    std::cerr << "http_hello: " << err << '\n';
    return 1;
  });
}
