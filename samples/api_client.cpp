// api_client: a client that keeps to the limit of the service that it asks: wait() for what must be asked, allow() for
// what may as well be left out.
//
//   $ tools/dev run api_client
//   5 answers, none refused; it took as long as 3 of them must wait
//   of 10 hints 2 were asked for
//   with a context that ends before its turn: rate: Wait(n=1) would exceed context deadline
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>

#include <atomic>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "local_server.hpp"

using namespace gossamer;

namespace {

class api_client {
 public:
  api_client(std::string base, rate::limit often, int burst) : base_(std::move(base)), limiter_(often, burst) {
    http_.timeout = 10s;
  }

  std::pair<std::string, error> get(const context::context& ctx, std::string_view path) {
    if (error err = limiter_.wait(ctx)) return {"", err};
    return ask(ctx, path);
  }
  // Nothing, where it would have to wait.
  std::pair<std::string, bool> hint(std::string_view path) {
    if (!limiter_.allow()) return {"", false};
    auto [text, err] = ask(context::background(), path);
    return {text, !err};
  }

 private:
  std::pair<std::string, error> ask(const context::context& ctx, std::string_view path) {
    auto [req, err] = http::new_request_with_context(ctx, "GET", base_ + std::string(path));
    if (err) return {"", err};
    auto [resp, failed] = http_.do_(req);
    if (failed) return {"", failed};
    defer d1{[body = resp.body] { body.close(); }};
    if (resp.status_code != http::status_ok) return {"", errors::make(resp.status)};
    return io::read_all(resp.body);
  }

  const std::string base_;
  rate::limiter limiter_;
  http::client http_;
};

}  // namespace

int main() {
  return run([] {
    const local_server server([](http::response_writer& w, http::request&) { w.write("answer"); });
    const time::duration every = 50ms;
    api_client api(server.url(""), rate::every(every), 2);
    std::atomic<int> answers = 0;
    const time::time_point begun = time::now();
    errgroup::group g;
    for (int i = 0; i < 5; ++i) {
      g.go([&]() -> error {
        auto [text, err] = api.get(context::background(), "/item");
        if (!err) ++answers;
        return err;
      });
    }
    if (error err = g.wait()) {
      std::cerr << "api_client: " << err << '\n';
      return 1;
    }
    const bool slow = time::now() - begun >= 3 * every - 1ms;
    std::cout << answers << " answers, none refused; it took "
              << (slow ? "as long as 3 of them must wait" : "too little time") << '\n';

    api_client eager(server.url(""), rate::every(1h), 2);
    int asked = 0;
    for (int i = 0; i < 10; ++i) asked += eager.hint("/hint").second ? 1 : 0;
    std::cout << "of 10 hints " << asked << " were asked for\n";

    auto [ctx, cancel] = context::with_timeout(context::background(), 1min);
    defer d1{cancel};
    std::cout << "with a context that ends before its turn: " << eager.get(ctx, "/item").second << '\n';
    return 0;
  });
}
