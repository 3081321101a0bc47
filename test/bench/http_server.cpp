// http_server: the server of the benchmarks of HTTP. usage: http_server -m http|https|proxy [-p PORT] [-w WORKERS]
// [-hog MICROSECONDS] [-cert PEM] [-up PORT]; Go's side is go_net/http.go. https: the file holds certificate and key.
// proxy: all requests go on to that port.
#include <unistd.h>
#include <boost/json/src.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/http/json.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>
#include <gossamer/tls.hpp>
#include <gossamer/ws.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace gossamer;

std::chrono::microseconds hog_time{0};

void hog() {
  for (;;) {
    for (const auto start = time::now(); time::since(start) < hog_time;) {
    }
    runtime::gosched();
  }
}

// A file of 64 KiB, which stays until the server is killed.
std::string small_file() {
  char path[] = "/tmp/bench-http-XXXXXX.txt";
  const os::file f = os::new_file(::mkstemps(path, 4), path);
  f.write(std::string(65536, '\0'));
  return path;
}

struct settings {
  std::string_view mode = "http";
  std::string address = "0.0.0.0:9000";
  std::string cert;
  std::string up;
};

// No session is resumed: each handshake is a whole one.
gossamer::error serve_tls(http::server& srv, const net::listener& on, const std::string& cert) {
  auto config = std::make_shared<tls::config>();
  config->session_tickets_disabled = true;
  srv.tls_config = std::move(config);
  return srv.serve_tls(on, cert, cert);
}

// With as many idle connections as there may be clients.
http::reverse_proxy proxy_to(const std::string& port) {
  const auto transport = std::make_shared<http::transport>();
  transport->max_idle_conns_per_host = 1000;
  http::reverse_proxy proxy;
  proxy.transport = transport;
  proxy.rewrite = [up = http::parse_url("http://127.0.0.1:" + port).first](http::proxy_request& p) {
    p.set_url(up);
    p.set_x_forwarded();
  };
  return proxy;
}

void echo_messages(http::response_writer& w, http::request& r) {
  const auto [c, refused] = ws::accept(w, r);
  if (refused) {
    return;
  }
  for (;;) {
    const auto [type, message, err] = c.read();
    if (err || c.write({}, type, message)) {
      break;
    }
  }
  c.close_now();
}

int serve(const settings& set) {
  const auto [listener, err] = net::listen("tcp4", set.address);
  if (err) {
    std::fprintf(stderr, "http_server: %s\n", err.text().c_str());
    return 1;
  }
  const std::string path = small_file();
  http::serve_mux mux;
  mux.handle_func("/{$}", [](http::response_writer& w, http::request&) { w.write("Hello, world!\n"); });
  mux.handle_func("GET /1k", [](http::response_writer& w, http::request&) {
    static const std::string kilobyte(1024, 'x');
    w.header().set("Content-Length", "1024");
    w.write(kilobyte);
  });
  mux.handle_func("POST /json", [](http::response_writer& w, http::request& r) {
    const auto [v, problem] = http::read_json(r);
    if (problem) {
      http::error(w, problem.text(), http::status_bad_request);
      return;
    }
    http::json(w, v);
  });
  mux.handle_func("GET /file", [&](http::response_writer& w, http::request& r) { http::serve_file(w, r, path); });
  mux.handle_func("GET /ws", echo_messages);
  if (hog_time.count() > 0) {
    go(hog);
  }
  http::server srv;
  srv.handler = set.mode == "proxy" ? http::handler(proxy_to(set.up)) : http::handler(&mux);
  std::fputs("ready\n", stderr);
  const gossamer::error end = set.mode == "https" ? serve_tls(srv, listener, set.cert) : srv.serve(listener);
  std::fprintf(stderr, "http_server: %s\n", end.text().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int workers = 1;
  settings set;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const int n = std::atoi(argv[i + 1]);
    if (key == "-m") {
      set.mode = argv[i + 1];
    } else if (key == "-cert") {
      set.cert = argv[i + 1];
    } else if (key == "-up") {
      set.up = argv[i + 1];
    } else if (key == "-p") {
      set.address = "0.0.0.0:" + std::to_string(n);
    } else if (key == "-w") {
      workers = n;
    } else if (key == "-hog") {
      hog_time = std::chrono::microseconds(n);
    }
  }
  return run([&] { return serve(set); }, {.procs = workers});
}
