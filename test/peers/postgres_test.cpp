// libpq in fibers (samples/pq.hpp) and a PostgreSQL server.
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "../../samples/pq.hpp"
#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"
#include "postgres.hpp"
#include "sample.hpp"

using namespace gossamer;
using namespace peers;

namespace {

constexpr int fibers = 100;

pq::connection connected(const postgres& server) {
  auto [db, err] = pq::connection::connect(server.about().c_str());
  CHECK(err == nil);
  return std::move(db);
}

// The only value of the only row; what went wrong otherwise.
std::string ask(pq::connection& db, const std::string& sql, const net::ending& end = {}) {
  const auto [rows, err] = db.exec(sql.c_str(), end);
  return err ? err.text() : PQgetvalue(rows.get(), 0, 0);
}

std::string state_of(const error& err) {
  const auto* const f = errors::as<pq::failure>(err);
  return f != nullptr ? f->state : "";
}

}  // namespace

FIBER_TEST("postgres: 1,000 queries of 100 fibers, each with a connection of its own, get each its own answer") {
  constexpr int queries = 10;
  const postgres server;
  std::atomic<int> right = 0;
  support::crew crew;
  for (int f = 0; f < fibers; ++f) {
    crew.go([&, f] {
      pq::connection db = connected(server);
      for (int q = 0; q < queries; ++q) {
        const std::string number = std::to_string(f * queries + q);
        right += ask(db, "select " + number) == number ? 1 : 0;
      }
    });
  }
  crew.join();
  CHECK(right == fibers * queries);
}

FIBER_TEST("postgres: megabytes go both ways in one query") {
  const postgres server;
  pq::connection db = connected(server);
  const std::string much(5'000'000, 'x');
  CHECK(ask(db, "select '" + much + "'") == much);
}

FIBER_TEST("postgres: when it is killed in 100 queries all of them fail, and when it is back others do not") {
  postgres server;
  std::atomic<int> lost = 0, stay_lost = 0;
  {
    support::crew crew;
    for (int f = 0; f < fibers; ++f) {
      crew.go([&] {
        pq::connection db = connected(server);
        const auto [rows, err] = db.exec("select pg_sleep(600)");
        lost += err ? 1 : 0;
        stay_lost += db.exec("select 1").second ? 1 : 0;
      });
    }
    pq::connection watcher = connected(server);
    CHECK(support::eventually([&] {
      return ask(watcher, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") ==
             std::to_string(fibers);
    }));
    CHECK(lost == 0);
    server.kill();
  }
  CHECK(lost == fibers);
  CHECK(stay_lost == fibers);
  CHECK(pq::connection::connect(server.about().c_str()).second != nil);
  server.start();
  pq::connection db = connected(server);
  CHECK(ask(db, "select 1") == "1");
}

FIBER_TEST("postgres: a statement's time-out is the server's error, and the connection goes on") {
  const postgres server;
  pq::connection db = connected(server);
  CHECK(db.exec("set statement_timeout = 20").second == nil);
  const error err = db.exec("select pg_sleep(600)").second;
  CHECK(state_of(err) == "57014");
  CHECK(err.text() == "ERROR:  canceling statement due to statement timeout");
  CHECK(state_of(db.exec("selct 1").second) == "42601");
  CHECK(ask(db, "select 1") == "1");
}

FIBER_TEST("postgres: a context ends a query, the server stops it, and the connection goes on") {
  const postgres server;
  support::crew crew;
  for (int f = 0; f < 20; ++f) {
    crew.go([&] {
      pq::connection db = connected(server);
      auto [ctx, cancel] = context::with_timeout(context::background(), 10ms);
      const error err = db.exec("select pg_sleep(600)", ctx).second;
      cancel();
      CHECK(err.timeout());
      CHECK(errors::is(err, context::deadline_exceeded));
      CHECK(ask(db, "select 1") == "1");
    });
  }
}

FIBER_TEST("postgres: a context ends the attempt to connect to a server that says nothing") {
  const support::bound_listener silent;
  const std::string about = "host=127.0.0.1 user=test port=" + std::to_string(silent.l.addr().port());
  auto [ctx, cancel] = context::with_timeout(context::background(), 10ms);
  CHECK(pq::connection::connect(about.c_str(), ctx).second.timeout());
  cancel();
}

FIBER_TEST("postgres: who listens gets what others notify, all of it and in order") {
  constexpr int listeners = 20;
  const int messages = support::scale(100);
  const postgres server;
  std::atomic<int> listening = 0, wrong = 0;
  support::crew crew;
  for (int i = 0; i < listeners; ++i) {
    crew.go([&] {
      pq::connection db = connected(server);
      CHECK(db.exec("listen news").second == nil);
      ++listening;
      for (int m = 0; m < messages; ++m) {
        const auto [message, err] = db.notification();
        wrong += !err && message == std::to_string(m) ? 0 : 1;
      }
    });
  }
  CHECK(support::eventually([&] { return listening == listeners; }));
  pq::connection db = connected(server);
  for (int m = 0; m < messages; ++m) {
    CHECK(db.exec(("notify news, '" + std::to_string(m) + "'").c_str()).second == nil);
  }
  crew.join();
  CHECK(wrong == 0);
}

PLAIN_TEST("postgres: the sample prints what it says") {
  const postgres server;
  check_sample("postgres",
               {"PGHOST=" + postgres::place(), "PGPORT=" + server.port(), "PGUSER=test", "PGDATABASE=postgres"});
}
