// http_client: the client of the benchmarks of HTTP: asks for a small page, from 100 fibers at the same time, and says
// what that has cost it. usage: http_client -m client [-p PORT] [-w WORKERS] [-n REQUESTS]; Go's side is
// go_net/client.go.
#include <sys/resource.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/sync.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace gossamer;

constexpr int askers = 100;

double cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(u.ru_utime) + us(u.ru_stime);
}

void ask(const http::client& c, const std::string& url) {
  auto [resp, err] = c.get(url);
  if (err) {
    std::fprintf(stderr, "http_client: %s\n", err.text().c_str());
    std::_Exit(1);
  }
  io::copy(io::discard, resp.body);
  resp.body.close();
}

void ask_all(const http::client& c, const std::string& url, int n) {
  std::atomic<int> left = n;
  sync::wait_group all;
  for (int i = 0; i < askers; ++i) {
    all.go([&] {
      while (left.fetch_sub(1) > 0) {
        ask(c, url);
      }
    });
  }
  all.wait();
}

int measure(const std::string& url, int n) {
  const auto transport = std::make_shared<http::transport>();
  transport->max_idle_conns_per_host = askers;
  http::client c;
  c.transport = transport;
  ask_all(c, url, n / 10);
  const double cpu = cpu_us();
  const auto start = std::chrono::steady_clock::now();
  ask_all(c, url, n);
  const double used = cpu_us() - cpu;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("rate=%.1f cpu_us=%.4f\n", n / elapsed.count(), used / n);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int workers = 1;
  int amount = 100'000;
  std::string url = "http://127.0.0.1:9000/";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const int n = std::atoi(argv[i + 1]);
    if (key == "-p") {
      url = "http://127.0.0.1:" + std::to_string(n) + "/";
    } else if (key == "-w") {
      workers = n;
    } else if (key == "-n") {
      amount = n;
    }
  }
  return run([&] { return measure(url, amount); }, {.procs = workers});
}
