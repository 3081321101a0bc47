// proxy: hands TCP connections on, in both directions. Where one side has said all it has to say the other is told, and
// may still answer. SIGINT and SIGTERM end it in order.
//
//   $ tools/dev run proxy --addr 127.0.0.1:9001 --to 127.0.0.1:9000 --workers 2
//   listening on 127.0.0.1:9001
//   ended: * connections, * bytes there, * bytes back
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include "flags.hpp"

using namespace gossamer;

namespace {

struct totals {
  std::atomic<std::int64_t> connections = 0, there = 0, back = 0;
};

// Copies (within the kernel) until `from` has said all, and says so to `to`. Who is lost takes the other side along;
// who hears no more may still have something to say.
void hand_on(net::conn to, net::conn from, std::atomic<std::int64_t>& bytes) {
  auto [n, err] = io::copy(to, from);
  bytes += n;
  if (auto* failed = errors::as<net::op_error>(err); failed && failed->op() == "read") {
    to.close();
  } else {
    to.close_write();
  }
}

void serve(const context::context& ctx, net::conn client, const std::string& to, totals& sum) {
  defer d1{[&] { client.close(); }};
  auto [server, err] = net::dial_context(ctx, "tcp", to);
  if (err) {
    std::cerr << "proxy: " + err.text() + "\n";
    return;
  }
  defer d2{[&, s = server] { s.close(); }};
  ++sum.connections;

  auto stop = context::after_func(ctx, [client, s = server] {
    client.close();
    s.close();
  });
  defer d3{[&] { stop(); }};
  sync::wait_group there;
  there.go([&, s = server] { hand_on(s, client, sum.there); });
  hand_on(client, server, sum.back);
  there.wait();
}

int proxy(const std::string& addr, const std::string& to) {
  auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
  defer d1{stop};
  auto [l, err] = net::listen("tcp", addr);
  if (err) {
    std::cerr << "proxy: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr().text() << std::endl;

  totals sum;
  sync::wait_group connections;
  while (!ctx.err()) {
    auto [client, err] = l.accept(ctx);
    if (!err) {
      connections.go([&, &ctx = ctx, client = client] { serve(ctx, client, to, sum); });
    } else if (!ctx.err()) {
      std::cerr << "proxy: " + err.text() + "\n";  // no descriptors are left, for one: accept has waited a little
    }
  }
  l.close();
  connections.wait();
  std::cout << "ended: " << sum.connections << " connections, " << sum.there << " bytes there, " << sum.back
            << " bytes back\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:9001", to = "127.0.0.1:9000";
  std::optional<int> workers;  // as many as there are CPUs
  if (!parse_flags(argc, argv, {{"--addr", &addr}, {"--to", &to}, {"--workers", &workers}})) {
    std::cerr << "usage: proxy [--addr HOST:PORT] [--to HOST:PORT] [--workers N]\n";
    return 1;
  }
  return run([&] { return proxy(addr, to); }, {.procs = workers});
}
