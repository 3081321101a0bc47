// curl: fifty transfers at the same time through libcurl, none of which has a thread; and one that a context ends.
// transfers.hpp is all that this needs.
//
//   $ tools/dev run curl
//   50 transfers, 0 wrong
//   from a silent server: i/o timeout
//
// What is fetched is the URL that the environment names: `URL=http://localhost/ tools/dev run curl`.
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include "transfers.hpp"

using namespace gossamer;

namespace {

constexpr int count = 50;

error fetch_many(curl::transfers& all, const std::string& url) {
  auto [first, problem] = curl::fetch(all, url);
  if (problem) return problem;
  std::atomic<int> wrong = 0;
  errgroup::group g;
  for (int i = 0; i < count; ++i) {
    g.go([&, &first = first]() -> error {
      auto [body, err] = curl::fetch(all, url);
      if (body != first) ++wrong;
      return err;
    });
  }
  error err = g.wait();
  std::cout << count << " transfers, " << wrong << " wrong\n";
  return err;
}

error give_up(curl::transfers& all) {
  auto [silent, err] = net::listen("tcp", "127.0.0.1:0");
  if (err) return err;
  auto [ctx, cancel] = context::with_timeout(context::background(), 50ms);
  error late = curl::fetch(all, "http://" + silent.addr().text() + "/", ctx).second;
  cancel();
  std::cout << "from a silent server: " << late << '\n';
  return silent.close();
}

}  // namespace

int main() {
  const char* url = std::getenv("URL");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  int code = run([url] {
    curl::transfers all;
    error err = fetch_many(all, url ? url : "http://localhost/");
    if (!err) err = give_up(all);
    if (err) std::cerr << "curl: " << err << '\n';
    return err ? 1 : 0;
  });
  curl_global_cleanup();
  return code;
}
