// port_scan: which ports of this machine are open; so many at once are tried as errgroup's limit allows.
//
//   $ tools/dev run port_scan --from 1 --to 65535 --at-once 200
//   ...
//   127.0.0.1: * of 65535 ports are open
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <algorithm>
#include <iostream>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "flags.hpp"

using namespace gossamer;

namespace {

const std::string host = "127.0.0.1";

// That nobody listens is an answer. An error is what ends the scan: no descriptors are left, say.
std::pair<bool, error> is_open(const context::context& ctx, int port) {
  net::dialer how;
  how.timeout = 1s;
  auto [c, err] = how.dial_context(ctx, "tcp", net::join_host_port(host, std::to_string(port)));
  if (!err) return {true, c.close()};
  if (errors::is(err, std::errc::connection_refused) || err.timeout()) return {false, nil};
  return {false, err};
}

std::pair<std::vector<int>, error> scan(int from, int to, int at_once) {
  sync::mutex mu;
  std::vector<int> open;  // guarded by mu
  auto [g, ctx] = errgroup::with_context(context::background());
  g.set_limit(at_once);
  for (int port = from; port <= to && !ctx.err(); ++port) {
    g.go([&, &ctx = ctx, port]() -> error {
      auto [yes, err] = is_open(ctx, port);
      std::scoped_lock lock(mu);
      if (yes) open.push_back(port);
      return err;
    });
  }
  error err = g.wait();
  std::sort(open.begin(), open.end());
  return {open, err};
}

}  // namespace

int main(int argc, char** argv) {
  int from = 1, to = 1024, at_once = 100;
  const bool good = parse_flags(argc, argv, {{"--from", &from}, {"--to", &to}, {"--at-once", &at_once}});
  if (!good || from > to || to > 65535) {
    std::cerr << "usage: port_scan [--from PORT] [--to PORT] [--at-once N]\n";
    return 1;
  }
  return run([=] {
    auto [open, err] = scan(from, to, at_once);
    for (int port : open) std::cout << host << ':' << port << " is open\n";
    std::cout << host << ": " << open.size() << " of " << to - from + 1 << " ports are open\n";
    if (err) std::cerr << "port_scan: " << err << '\n';
    return err ? 1 : 0;
  });
}
