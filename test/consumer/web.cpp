// A user's HTTP server: it is asked once, by this program itself, and shut down.
#include <cstdio>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <string>

using namespace gossamer;

int main() {
  return run([] {
    auto [l, err] = net::listen("tcp", "127.0.0.1:0");
    if (err) return 1;
    http::server server;
    server.handler = [](http::response_writer& w, http::request& r) { w.write("you asked for " + r.url.path); };
    sync::wait_group serving;
    error ended;
    serving.go([&, l = l] { ended = server.serve(l); });

    auto [c, refused] = net::dial("tcp", l.addr().text());
    if (refused) return 1;
    c.write("GET /a HTTP/1.0\r\n\r\n");
    auto [answer, broken] = io::read_all(c);
    c.close();
    server.shutdown(context::background());
    serving.wait();
    std::printf("%s, %s\n", answer.substr(answer.find("\r\n\r\n") + 4).c_str(),
                errors::is(ended, http::server_closed) ? "closed" : "not closed");
    return 0;
  });
}
