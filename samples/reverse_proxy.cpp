// reverse_proxy: one address for several servers: what is below /api/ goes to the first, all else to the others in
// turn.
//
//   $ tools/dev run reverse_proxy --api http://127.0.0.1:8081 --to http://127.0.0.1:8082 --to http://127.0.0.1:8083
//   listening on 127.0.0.1:8080
//
// Then:
//   $ curl http://127.0.0.1:8080/api/users
//
// The servers see paths as they were sent, X-Forwarded-For, and the host that the client has asked for. SIGTERM and
// SIGINT end it when the requests that are on their way have been answered.
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/net.hpp>
#include <gossamer/signal.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

struct settings {
  std::string addr = "127.0.0.1:8080";
  std::vector<http::url> api;
  std::vector<http::url> to;
};

// A proxy to servers that are asked in turn.
http::reverse_proxy in_turn(std::vector<http::url> servers) {
  http::reverse_proxy proxy;
  proxy.rewrite = [servers = std::move(servers),
                   next = std::make_shared<std::atomic<std::size_t>>(0)](http::proxy_request& p) {
    p.set_url(servers[next->fetch_add(1) % servers.size()]);
    p.set_x_forwarded();
    p.out.host = p.in.host;
  };
  return proxy;
}

int usage() {
  std::cerr << "usage: reverse_proxy [--addr HOST:PORT] --api URL --to URL...\n";
  return 1;
}

bool read_settings(int argc, char** argv, settings& into) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) {
      return false;
    }
    if (flag == "--addr") {
      into.addr = argv[i + 1];
      continue;
    }
    auto [u, err] = http::parse_url(argv[i + 1]);
    if (err || u.host.empty() || (flag != "--api" && flag != "--to")) {
      return false;
    }
    (flag == "--api" ? into.api : into.to).push_back(std::move(u));
  }
  return !into.api.empty() && !into.to.empty();
}

int serve(const settings& s) {
  http::serve_mux mux;
  mux.handle("/api/", in_turn(s.api));
  mux.handle("/", in_turn(s.to));
  http::server srv(s.addr, &mux);
  auto [l, err] = net::listen("tcp", s.addr);
  if (err) {
    std::cerr << "reverse_proxy: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr().text() << std::endl;
  auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
  sync::wait_group serving;
  serving.go([&, l = l] { srv.serve(l); });
  ctx.done().recv();
  auto [limit, cancel] = context::with_timeout(context::background(), 10s);
  srv.shutdown(limit);
  cancel();
  stop();
  serving.wait();
  http::default_transport()->close_idle_connections();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  if (!read_settings(argc, argv, s)) {
    return usage();
  }
  return run([&] { return serve(s); });
}
