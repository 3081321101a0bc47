// libcurl in fibers (samples/transfers.hpp) and nginx.
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <string>
#include <utility>

#include "../../samples/transfers.hpp"
#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "nginx.hpp"
#include "peer.hpp"
#include "sample.hpp"

using namespace gossamer;
using namespace peers;

namespace {

// What libcurl has answered with; its words differ from version to version.
CURLcode code_of(const error& err) {
  const auto* const f = errors::as<curl::failure>(err);
  return f != nullptr ? f->code : CURLE_OK;
}

// One that ends with < would lose it where the server looks for includes.
std::string body_of(unsigned i) { return support::pattern(500'000 + i, i) + "."; }

}  // namespace

FIBER_TEST("libcurl: many transfers of megabytes at the same time, each of its own file") {
  constexpr unsigned files = 20;
  const nginx server;
  for (unsigned i = 0; i < files; ++i) {
    server.add(std::to_string(i), body_of(i));
  }
  curl::transfers all;
  std::atomic<int> right = 0;
  support::crew crew;
  for (unsigned i = 0; i < files; ++i) {
    crew.go([&, i] {
      for (const char* const way : {"/", "/chunked/"}) {
        const auto [body, err] = curl::fetch(all, "http://" + server.place() + way + std::to_string(i));
        right += !err && body == body_of(i) ? 1 : 0;
      }
    });
  }
  crew.join();
  CHECK(right == 2 * files);
  CHECK(curl::fetch(all, "http://" + server.place() + "/none").second.text() == "HTTP response code said error");
}

FIBER_TEST("libcurl: contexts end transfers while others go on, and nobody is there") {
  const nginx server;
  server.add("it", support::pattern(100'000));
  const support::bound_listener silent;
  curl::transfers all;
  {
    support::crew crew;
    for (int i = 0; i < 20; ++i) {
      crew.go([&] {
        auto [ctx, cancel] = context::with_timeout(context::background(), 10ms);
        CHECK(curl::fetch(all, "http://" + silent.place(), ctx).second.timeout());
        cancel();
      });
      crew.go([&] { CHECK(curl::fetch(all, "http://" + server.place() + "/it").first == support::pattern(100'000)); });
    }
  }
  CHECK(code_of(curl::fetch(all, "http://127.0.0.1:1/").second) == CURLE_COULDNT_CONNECT);
  CHECK(code_of(curl::fetch(all, "http://nobody.invalid/").second) == CURLE_COULDNT_RESOLVE_HOST);
}

FIBER_TEST("libcurl: a server that goes in the middle of its answers ends the transfers with errors") {
  constexpr int transfers = 20;
  support::bound_listener place;
  curl::transfers all;
  std::atomic<int> failed = 0;
  support::crew crew;
  for (int i = 0; i < transfers; ++i) {
    crew.go([&] { failed += curl::fetch(all, "http://" + place.place()).second ? 1 : 0; });
  }
  for (int i = 0; i < transfers; ++i) {
    const auto [c, err] = place.l.accept();
    CHECK(err == nil);
    CHECK(c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").second == nil);
    c.close();
  }
  crew.join();
  CHECK(failed == transfers);
}

PLAIN_TEST("libcurl: the sample prints what it says") {
  const nginx server;
  server.add("it", support::pattern(1'000'000));
  check_sample("curl", {"URL=http://" + server.place() + "/it"});
}
