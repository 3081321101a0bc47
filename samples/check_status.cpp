// check_status: a stage that asks one address after the other, and hands on what came or what went wrong: who reads
// decides what is too much. Here two errors are. Source: the error handling of Concurrency in Go.
//
//   $ tools/dev run check_status
//   /: 200 OK
//   error: Get "foo://example.com": unsupported protocol scheme "foo"
//   /gone: 410 Gone
//   error: Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused
//   too many errors
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "local_server.hpp"

using namespace gossamer;

namespace {

struct result {
  std::string path;
  std::string status;
  error err;
};

recv_chan<result> check_status(recv_chan<void> done, std::vector<std::string> urls) {
  auto results = make_chan<result>();
  go([=] {
    defer d1{[=] { close(results); }};
    for (const std::string& url : urls) {
      auto [resp, err] = http::get(url);
      result r{"", resp.status, err};
      if (!err) {
        r.path = resp.request->url.path;
        resp.body.close();
      }
      if (select(send(results, r), recv(done)) == 1) return;
    }
  });
  return results;
}

}  // namespace

int main() {
  return run([] {
    const local_server server([](http::response_writer& w, http::request& r) {
      w.write_header(r.url.path == "/" ? http::status_ok : http::status_gone);
    });
    auto done = make_chan<void>();
    defer d1{[=] { close(done); }};
    int errors = 0;
    for (const result& r : check_status(done, {server.url("/"), "foo://example.com", server.url("/gone"),
                                               "http://127.0.0.1:1/", server.url("/never")})) {
      if (!r.err) {
        std::cout << r.path << ": " << r.status << '\n';
        continue;
      }
      std::cout << "error: " << r.err << '\n';
      if (++errors == 2) {
        std::cout << "too many errors\n";
        break;
      }
    }
    return 0;
  });
}
