// hiredis in fibers (samples/redis.hpp) and a Redis server.
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "../../samples/redis.hpp"
#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"
#include "redis.hpp"
#include "sample.hpp"

using namespace gossamer;
using namespace peers;

namespace {

constexpr int fibers = 100;

redis::connection connected(const redis_server& server) {
  auto [db, err] = redis::connection::connect("127.0.0.1", std::atoi(server.port().c_str()));
  CHECK(err == nil);
  return std::move(db);
}

}  // namespace

FIBER_TEST("hiredis: commands of 100 fibers in one go, each on a connection of its own, get each its own reply") {
  constexpr int commands = 10;
  const redis_server server;
  std::atomic<int> right = 0;
  support::crew crew;
  for (int f = 0; f < fibers; ++f) {
    crew.go([&, f] {
      redis::connection db = connected(server);
      const std::string key = "key" + std::to_string(f);
      for (int i = 0; i < commands; ++i) {
        db.append({"INCR", key});
      }
      for (int i = 1; i <= commands; ++i) {
        const auto [r, err] = db.next();
        right += !err && r->integer == i ? 1 : 0;
      }
    });
  }
  crew.join();
  CHECK(right == fibers * commands);
}

FIBER_TEST("hiredis: megabytes go both ways, and what the server refuses is an error") {
  const redis_server server;
  redis::connection db = connected(server);
  const std::string much = support::pattern(5'000'000);
  CHECK(db.command({"SET", "much", much}).second == nil);
  const auto [r, err] = db.command({"GET", "much"});
  CHECK(err == nil);
  CHECK((r != nullptr && std::string_view(r->str, r->len) == much));
  CHECK(db.command({"INCR", "much"}).second.text() == "ERR value is not an integer or out of range");
  CHECK(db.command({"DEL", "much"}).second == nil);
}

FIBER_TEST("hiredis: a context ends a command and an attempt to connect, and nothing comes of the connection") {
  const redis_server server;
  redis::connection db = connected(server);
  auto [ctx, cancel] = context::with_timeout(context::background(), 10ms);
  CHECK(db.command({"BLPOP", "queue", "0"}, ctx).second.timeout());
  cancel();
  CHECK(!db);
  CHECK(db.command({"PING"}).second.text() == "closed");
  const support::bound_listener silent;
  auto [soon, done] = context::with_timeout(context::background(), 10ms);
  CHECK(redis::connection::connect("127.0.0.1", silent.l.addr().port(), soon).second.timeout());
  done();
}

FIBER_TEST("hiredis: when the server is killed all who wait for it get errors") {
  redis_server server;
  std::atomic<int> lost = 0;
  support::crew crew;
  for (int f = 0; f < fibers; ++f) {
    crew.go([&] {
      redis::connection db = connected(server);
      lost += db.command({"BLPOP", "queue", "0"}).second ? 1 : 0;
    });
  }
  redis::connection watcher = connected(server);
  CHECK(support::eventually([&] {
    const auto [r, err] = watcher.command({"INFO", "clients"});
    return !err &&
           std::string_view(r->str, r->len).find("blocked_clients:" + std::to_string(fibers)) != std::string_view::npos;
  }));
  CHECK(lost == 0);
  server.kill();
  crew.join();
  CHECK(lost == fibers);
}

PLAIN_TEST("hiredis: the sample prints what it says") {
  const redis_server server;
  check_sample("redis", {"REDIS_PORT=" + server.port()});
}
