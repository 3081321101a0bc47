// redis-server as a peer: pipelining over shared connections, a server that is killed, clients that connect again.
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"
#include "redis.hpp"
#include "resp.hpp"

using namespace gossamer;
using namespace peers;

namespace {

std::unique_ptr<resp_client> client_of(const std::string& network, const std::string& place) {
  const auto [c, err] = net::dial(network, place);
  CHECK(err == nil);
  return std::make_unique<resp_client>(c);
}

reply status(std::string text) { return {.kind = '+', .text = std::move(text)}; }
reply number(std::int64_t n) { return {.kind = ':', .number = n}; }
reply text(std::string s) { return {.kind = '$', .text = std::move(s)}; }
const reply nothing;

constexpr int commands_a_round = 10;

// Ten commands in one write; how many replies are not what they must be.
int one_round(resp_client& client, const std::string& key, int round) {
  const std::string value = support::pattern(static_cast<std::size_t>(round * 37 % 2000), static_cast<unsigned>(round));
  const std::string list = key + ":list";
  const auto [got, err] =
      client.ask(command({"SET", key, value}) + command({"GET", key}) + command({"STRLEN", key}) +
                     command({"INCR", "rounds"}) + command({"ECHO", "\r\n$1\r\n"}) +
                     command({"RPUSH", list, "a", value}) + command({"LRANGE", list, "0", "-1"}) +
                     command({"DEL", list, key}) + command({"GET", key}) + command({"NO-SUCH-COMMAND"}),
                 commands_a_round);
  if (err || got.size() != commands_a_round) {
    return commands_a_round;
  }
  const std::vector<reply> wanted{status("OK"),
                                  text(value),
                                  number(static_cast<std::int64_t>(value.size())),
                                  got[3],
                                  text("\r\n$1\r\n"),
                                  number(2),
                                  {.kind = '*', .items = {text("a"), text(value)}},
                                  number(2),
                                  nothing,
                                  got[9]};
  int wrong = (got[3].kind == ':' && got[3].number > 0 ? 0 : 1) + (got[9].kind == '-' ? 0 : 1);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wrong += got[i] == wanted[i] ? 0 : 1;
  }
  return wrong;
}

// Makes so many calls, each until it has a reply: on a new connection after each error. False if that takes too long. A
// connection may be taken by a server that is about to go, and so be lost at once.
bool calls_in_the_end(const std::string& place, int calls) {
  const auto limit = time::now() + support::patience;
  std::unique_ptr<resp_client> client;
  while (calls > 0 && time::now() < limit) {
    if (client && !client->ask({"INCR", "again"}).second) {
      --calls;
    } else if (const auto [c, err] = net::dial("tcp", place); !err) {
      client = std::make_unique<resp_client>(c);
    } else {
      time::sleep(5ms);
    }
  }
  return calls == 0;
}

}  // namespace

FIBER_TEST("redis: 100,000 pipelined commands of 200 fibers over 8 connections get each its own reply") {
  constexpr int fibers = 200;
  const int rounds = support::scale(50);
  const redis_server server;
  std::vector<std::unique_ptr<resp_client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(client_of("tcp", server.place()));
  }
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    for (int f = 0; f < fibers; ++f) {
      crew.go([&, f] {
        for (int round = 0; round < rounds; ++round) {
          wrong += one_round(*clients[static_cast<std::size_t>(f) % clients.size()], "key" + std::to_string(f), round);
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK((clients[0]->ask({"GET", "rounds"}) == std::pair(text(std::to_string(fibers * rounds)), error())));
  CHECK((clients[0]->ask({"DBSIZE"}) == std::pair(number(1), error())));
}

FIBER_TEST("redis: a reply of megabytes, over a unix socket") {
  const redis_server server;
  const auto client = client_of("unix", server.unix_place());
  const std::string big = support::pattern(5'000'000);
  CHECK((client->ask({"SET", "big", big}) == std::pair(status("OK"), error())));
  CHECK((client->ask({"GET", "big"}) == std::pair(text(big), error())));
}

FIBER_TEST("redis: who pops from an empty list waits for who pushes") {
  const redis_server server;
  const auto pops = client_of("tcp", server.place());
  const auto pushes = client_of("tcp", server.place());
  std::atomic<int> popped = 0;
  {
    support::crew crew;
    crew.go([&] {
      for (int i = 0; i < 100; ++i) {
        const auto [got, err] = pops->ask({"BLPOP", "queue", "0"});
        popped += !err && got.items.size() == 2 && got.items[1].text == std::to_string(i) ? 1 : 0;
      }
    });
    for (int i = 0; i < 100; ++i) {
      CHECK(pushes->ask({"RPUSH", "queue", std::to_string(i)}).second == nil);
    }
  }
  CHECK(popped == 100);
}

FIBER_TEST("redis: when it is killed all 200 clients get errors, and when it is back they connect again") {
  constexpr int fibers = 200;
  redis_server server;
  std::atomic<int> replies = 0, lost = 0, back = 0;
  {
    support::crew crew;
    for (int f = 0; f < fibers; ++f) {
      crew.go([&] {
        auto client = client_of("tcp", server.place());
        while (!client->ask({"INCR", "n"}).second) {
          ++replies;
        }
        ++lost;
        const bool stays_lost = client->ask({"INCR", "n"}).second != nil;
        back += stays_lost && calls_in_the_end(server.place(), 20) ? 1 : 0;
      });
    }
    CHECK(support::eventually([&] { return replies > 10 * fibers || lost > 0; }));
    CHECK(lost == 0);
    server.kill();
    CHECK(support::eventually([&] { return lost == fibers; }));
    server.start();
  }
  CHECK(back == fibers);
  CHECK((client_of("tcp", server.place())->ask({"GET", "again"}) ==
         std::pair(text(std::to_string(20 * fibers)), error())));
}
