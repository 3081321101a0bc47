// echo_server: answers with what it reads, each connection in a fiber of its own.
//
//   $ tools/dev run echo_server --addr 127.0.0.1:9000 --workers 2
//   listening on 127.0.0.1:9000
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <iostream>
#include <optional>
#include <span>
#include <string>

#include "flags.hpp"

using namespace gossamer;

namespace {

void echo(net::conn c) {
  defer d1{[&] { c.close(); }};
  char buf[1024];  // on the fiber's stack: a connection that waits costs one page, and this is in it
  for (;;) {
    auto [n, err] = c.read(buf);
    if (err) return;
    if (auto [written, err] = c.write(std::span(buf).first(n)); err) return;
  }
}

int serve(const std::string& addr) {
  auto [l, err] = net::listen("tcp", addr);
  if (err) {
    std::cerr << "echo_server: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr().text() << std::endl;
  for (;;) {
    auto [c, err] = l.accept();
    if (err) {
      std::cerr << "echo_server: " << err << '\n';  // no descriptors are left, for one: accept has waited a little
      continue;
    }
    go(echo, c);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:9000";
  std::optional<int> workers;  // as many as there are CPUs
  if (!parse_flags(argc, argv, {{"--addr", &addr}, {"--workers", &workers}})) {
    std::cerr << "usage: echo_server [--addr HOST:PORT] [--workers N]\n";
    return 1;
  }
  return run([&] { return serve(addr); }, {.procs = workers});
}
