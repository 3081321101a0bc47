// http_server: the server of the benchmarks of HTTP. usage: http_server -m http [-p PORT] [-w WORKERS]
// [-hog MICROSECONDS]; Go's side is go_net/http.go.
#include <unistd.h>
#include <boost/json/src.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/http/json.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

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

int serve(const std::string& address) {
  const auto [listener, err] = net::listen("tcp4", address);
  if (err) {
    std::fprintf(stderr, "http_server: %s\n", err.text().c_str());
    return 1;
  }
  const std::string path = small_file();
  http::serve_mux mux;
  mux.handle_func("/{$}", [](http::response_writer& w, http::request&) { w.write("Hello, world!\n"); });
  mux.handle_func("POST /json", [](http::response_writer& w, http::request& r) {
    const auto [v, problem] = http::read_json(r);
    if (problem) {
      http::error(w, problem.text(), http::status_bad_request);
      return;
    }
    http::json(w, v);
  });
  mux.handle_func("GET /file", [&](http::response_writer& w, http::request& r) { http::serve_file(w, r, path); });
  if (hog_time.count() > 0) {
    go(hog);
  }
  std::fputs("ready\n", stderr);
  std::fprintf(stderr, "http_server: %s\n", http::serve(listener, &mux).text().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int workers = 1;
  std::string address = "0.0.0.0:9000";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const int n = std::atoi(argv[i + 1]);
    if (key == "-p") {
      address = "0.0.0.0:" + std::to_string(n);
    } else if (key == "-w") {
      workers = n;
    } else if (key == "-hog") {
      hog_time = std::chrono::microseconds(n);
    }
  }
  return run([&] { return serve(address); }, {.procs = workers});
}
