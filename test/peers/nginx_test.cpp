// nginx as a peer: keep-alive, pipelining, bodies of known length and in chunks.
#include "nginx.hpp"

#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "http.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using namespace peers;

namespace {

constexpr std::array<std::size_t, 6> sizes{0, 5, 100, 4095, 4096, 70'000};

// None ends in the `<` of a server-side include.
std::string body_of(std::size_t size) { return support::pattern(size, static_cast<unsigned>(size)); }

void add_bodies(const nginx& server) {
  for (const std::size_t size : sizes) {
    server.add(std::to_string(size), body_of(size));
  }
}

net::conn dial(const nginx& server) {
  const auto [c, err] = net::dial("tcp", server.place());
  CHECK(err == nil);
  return c;
}

// So many requests on one connection, of each size in turn; how many responses are not what they must be.
int wrong_of(http_client& client, int requests, int first) {
  int wrong = 0;
  for (int i = first; i < first + requests; ++i) {
    const std::size_t size = sizes[static_cast<std::size_t>(i) % sizes.size()];
    const bool chunked = i / static_cast<int>(sizes.size()) % 2 == 1;
    const auto [r, err] = client.ask("GET", (chunked ? "/chunked/" : "/") + std::to_string(size));
    const bool as_wanted = !err && r.status == 200 && r.body == body_of(size) &&
                           r.header("connection") == "keep-alive" &&
                           (r.header("transfer-encoding") == "chunked") == (chunked && size > 0);
    wrong += as_wanted ? 0 : 1;
  }
  return wrong;
}

}  // namespace

FIBER_TEST("nginx: 10,000 requests over 20 connections that are kept alive") {
  constexpr int fibers = 20;
  const nginx server;
  add_bodies(server);
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    for (int f = 0; f < fibers; ++f) {
      crew.go([&, f] {
        http_client client(dial(server));
        wrong += wrong_of(client, support::scale(500), f);
      });
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("nginx: requests that are sent one behind the other are answered in that order") {
  const nginx server;
  add_bodies(server);
  http_client client(dial(server));
  const int count = support::scale(500);
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    crew.go([&] {
      for (int i = 0; i < count; ++i) {
        const auto [r, err] = client.receive();
        wrong += !err && r.body == body_of(sizes[static_cast<std::size_t>(i) % sizes.size()]) ? 0 : 1;
      }
    });
    for (int i = 0; i < count; ++i) {
      CHECK(client.send("GET", "/" + std::to_string(sizes[static_cast<std::size_t>(i) % sizes.size()])) == nil);
    }
  }
  CHECK(wrong == 0);
}

FIBER_TEST("nginx: what has no body, what is not there, and what is no request") {
  const nginx server;
  add_bodies(server);
  http_client client(dial(server));
  const auto [head, err] = client.ask("HEAD", "/70000");
  CHECK(err == nil);
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == "70000");
  CHECK(client.ask("GET", "/no/such").first.status == 404);
  CHECK(client.ask("GET", "/100").first.body == body_of(100));
  const auto [bad, bad_err] = client.ask("what", "is this");
  CHECK(bad_err == nil);
  CHECK(bad.status == 400);
  CHECK(bad.header("connection") == "close");
  CHECK(client.receive().second == io::eof);
}
