// postgres: a C library that waits as fibers do. Fifty fibers have a connection each, and their queries park them;
// a context ends a query that takes too long; one waits for what another says by NOTIFY. pq.hpp is all that this needs.
//
//   $ tools/dev run postgres
//   1000 answers, 0 wrong
//   select pg_sleep(60): i/o timeout
//   the same connection: 42
//   a message: hello
//
// It finds the server as psql does: `PGHOST=/run/postgresql PGUSER=me tools/dev run postgres`.
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <iostream>
#include <string>

#include "pq.hpp"

using namespace gossamer;

namespace {

constexpr int fibers = 50, queries = 20;

error count_answers() {
  std::atomic<int> answers = 0, wrong = 0;
  errgroup::group g;
  for (int f = 0; f < fibers; ++f) {
    g.go([&, f]() -> error {
      auto [db, err] = pq::connection::connect("");
      if (err) return err;
      for (int q = 0; q < queries; ++q) {
        std::string number = std::to_string(f * queries + q);
        auto [rows, problem] = db.exec(("select " + number).c_str());
        if (problem) return problem;
        ++answers;
        if (PQgetvalue(rows.get(), 0, 0) != number) ++wrong;
      }
      return nil;
    });
  }
  error err = g.wait();
  std::cout << answers << " answers, " << wrong << " wrong\n";
  return err;
}

error give_up() {
  auto [db, err] = pq::connection::connect("");
  if (err) return err;
  auto [ctx, cancel] = context::with_timeout(context::background(), 50ms);
  auto [nothing, late] = db.exec("select pg_sleep(60)", ctx);
  cancel();
  std::cout << "select pg_sleep(60): " << late << '\n';
  auto [rows, problem] = db.exec("select 42");
  if (!problem) std::cout << "the same connection: " << PQgetvalue(rows.get(), 0, 0) << '\n';
  return problem;
}

error listen() {
  auto [hears, err] = pq::connection::connect("");
  if (err) return err;
  if (error problem = hears.exec("listen news").second) return problem;
  errgroup::group g;
  g.go([]() -> error {
    auto [says, problem] = pq::connection::connect("");
    return problem ? problem : says.exec("notify news, 'hello'").second;
  });
  auto [message, problem] = hears.notification();
  if (!problem) std::cout << "a message: " << message << '\n';
  error other = g.wait();
  return problem ? problem : other;
}

}  // namespace

int main() {
  return run([] {
    for (auto* part : {count_answers, give_up, listen}) {
      if (error err = part()) {
        std::cerr << "postgres: " << err << '\n';
        return 1;
      }
    }
    return 0;
  });
}
