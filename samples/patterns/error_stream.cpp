// error_stream: results and errors come over one channel, and who reads them decides when there have been too many.
// Pattern: error handling, Katherine Cox-Buday, Concurrency in Go, 2017.
//
//   $ tools/dev run error_stream
//   a.example: 200
//   b.example: no such host
//   c.example: 200
//   d.example: no such host
//   two errors: that is enough
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace gossamer;

struct response {
  std::string host;
  int status = 0;
  error err;
};

response ask(const std::string& host) {
  if (host < "b" || host.starts_with("c")) return {host, 200, nil};
  return {host, 0, errors::make("no such host")};
}

recv_chan<response> ask_all(recv_chan<void> done, std::vector<std::string> hosts) {
  auto responses = make_chan<response>();
  go([=] {
    defer d1{[&] { close(responses); }};
    for (const auto& host : hosts) {
      if (select(recv(done), send(responses, ask(host))) == 0) return;
    }
  });
  return responses;
}

int main() {
  return run([] {
    auto done = make_chan<void>();
    defer d1{[&] { close(done); }};

    int failed = 0;
    for (auto r : ask_all(done, {"a.example", "b.example", "c.example", "d.example", "e.example"})) {
      if (!r.err) {
        std::printf("%s: %d\n", r.host.c_str(), r.status);
        continue;
      }
      std::printf("%s: %s\n", r.host.c_str(), r.err.text().c_str());
      if (++failed == 2) {
        std::puts("two errors: that is enough");
        break;
      }
    }
  });
}
