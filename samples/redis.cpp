// redis: a hundred fibers talk to one server through hiredis, ten commands in one go; one waits for what another
// pushes, until a context ends that. redis.hpp is all that this needs.
//
//   $ tools/dev run redis
//   1000 answers, 0 wrong
//   popped hello
//   popped nothing: i/o timeout
//
// The server is at 127.0.0.1, at REDIS_PORT, or at 6379: it gets and loses the keys sample:*.
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>

#include "redis.hpp"

using namespace gossamer;

namespace {

constexpr int fibers = 100, commands = 10;

auto connect() {
  const char* port = std::getenv("REDIS_PORT");
  return redis::connection::connect("127.0.0.1", port ? std::atoi(port) : 6379);
}

error count() {
  std::atomic<int> answers = 0, wrong = 0;
  errgroup::group g;
  for (int f = 0; f < fibers; ++f) {
    g.go([&, f]() -> error {
      auto [db, err] = connect();
      if (err) return err;
      std::string key = "sample:" + std::to_string(f);
      for (int i = 1; i < commands; ++i) db.append({"INCR", key});
      db.append({"DEL", key});
      for (int i = 1; i <= commands; ++i) {
        auto [r, problem] = db.next();
        if (problem) return problem;
        ++answers;
        if (r->integer != (i < commands ? i : 1)) ++wrong;
      }
      return nil;
    });
  }
  error err = g.wait();
  std::cout << answers << " answers, " << wrong << " wrong\n";
  return err;
}

error pop() {
  auto [pops, err] = connect();
  if (err) return err;
  errgroup::group g;
  g.go([]() -> error {
    auto [pushes, problem] = connect();
    return problem ? problem : pushes.command({"RPUSH", "sample:queue", "hello"}).second;
  });
  auto [r, problem] = pops.command({"BLPOP", "sample:queue", "0"});
  if (error other = g.wait()) return other;
  if (problem) return problem;
  std::cout << "popped " << r->element[1]->str << '\n';
  auto [ctx, cancel] = context::with_timeout(context::background(), 50ms);
  auto [nothing, late] = pops.command({"BLPOP", "sample:queue", "0"}, ctx);
  cancel();
  std::cout << "popped nothing: " << late << '\n';
  return nil;
}

}  // namespace

int main() {
  return run([] {
    for (auto* part : {count, pop}) {
      if (error err = part()) {
        std::cerr << "redis: " << err << '\n';
        return 1;
      }
    }
    return 0;
  });
}
