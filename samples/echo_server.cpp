// echo_server: answers with what it reads, each connection in a fiber of its own.
//
//   $ tools/dev run echo_server --addr 127.0.0.1:9000 --workers 2
//   listening on 127.0.0.1:9000
#include <charconv>
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace gossamer;

namespace {

struct settings {
  std::string addr = "127.0.0.1:9000";
  int workers = 0;  // as many as there are CPUs
};

int usage() {
  std::cerr << "usage: echo_server [--addr HOST:PORT] [--workers N]\n";
  return 1;
}

bool parse(const std::vector<std::string_view>& arguments, settings& o) {
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i], value = arguments[i + 1];
    if (name == "--addr") {
      o.addr = value;
      continue;
    }
    if (name != "--workers") return false;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), o.workers);
    if (problem != std::errc() || end != value.data() + value.size() || o.workers < 1) return false;
  }
  return arguments.size() % 2 == 0;
}

void echo(net::conn c) {
  defer d1{[&] { c.close(); }};
  char buf[1024];  // on the fiber's stack: a connection that waits costs one page, and this is in it
  for (;;) {
    auto [n, err] = c.read(buf);
    if (err) return;
    if (auto [written, err] = c.write(std::span(buf).first(n)); err) return;
  }
}

int serve(const settings& o) {
  auto [l, err] = net::listen("tcp", o.addr);
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
  settings o;
  if (!parse({argv + 1, argv + argc}, o)) return usage();
  if (o.workers == 0) return run([&] { return serve(o); });
  return run([&] { return serve(o); }, {.procs = o.workers});
}
