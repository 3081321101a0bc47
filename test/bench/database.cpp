// database: what a query costs the client: database fibers|threads CONNECTIONS QUERIES WORKERS
//
// As many fibers (of samples/pq.hpp), or threads that block in libpq, as there are connections, each with one of its
// own; all connect before the clock starts. Prints `cpu_us=` of a query, user and system time of this process, and
// `rate=`. libpq finds the server in the environment.
#include <libpq-fe.h>
#include <sys/resource.h>
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <string_view>
#include <thread>
#include <vector>

#include "../../samples/pq.hpp"

using namespace gossamer;

namespace {

constexpr const char* query = "select 1";

double cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  const auto us = [](const timeval& t) { return 1e6 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec); };
  return us(u.ru_utime) + us(u.ru_stime);
}

// From when all have connected until the last has had its last answer.
class measured {
 public:
  void begin() {
    cpu_ = cpu_us();
    begin_ = std::chrono::steady_clock::now();
  }
  int end(long queries, int failed) const {
    const double n = static_cast<double>(queries);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
    const double used = cpu_us() - cpu_;
    if (failed != 0) {
      std::fprintf(stderr, "%d of them failed\n", failed);
      return 1;
    }
    std::printf("cpu_us=%.3f rate=%.0f\n", used / n, n / took.count());
    return 0;
  }

 private:
  double cpu_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

int by_fibers(int connections, int queries, int workers) {
  std::atomic<int> failed = 0;
  measured m;
  const int code = run(
      [&] {
        sync::wait_group connected, over;
        auto start = make_chan<void>();
        connected.add(connections);
        for (int i = 0; i < connections; ++i) {
          over.go([&] {
            auto [db, err] = pq::connection::connect("");
            failed += err ? 1 : 0;
            connected.done();
            start.recv();
            for (int q = 0; q < queries && !err; ++q) {
              failed += db.exec(query).second ? 1 : 0;
            }
          });
        }
        connected.wait();
        m.begin();
        start.close();
        over.wait();
      },
      {.procs = workers});
  return code != 0 ? code : m.end(static_cast<long>(connections) * queries, failed);
}

int by_threads(int connections, int queries) {
  std::atomic<int> failed = 0;
  std::latch connected(connections), start(1);
  std::vector<std::thread> all;
  for (int i = 0; i < connections; ++i) {
    all.emplace_back([&] {
      PGconn* const db = PQconnectdb("");
      const bool good = PQstatus(db) == CONNECTION_OK;
      failed += good ? 0 : 1;
      connected.count_down();
      start.wait();
      for (int q = 0; q < queries && good; ++q) {
        PGresult* const r = PQexec(db, query);
        failed += PQresultStatus(r) == PGRES_TUPLES_OK ? 0 : 1;
        PQclear(r);
      }
      PQfinish(db);
    });
  }
  connected.wait();
  measured m;
  m.begin();
  start.count_down();
  for (std::thread& t : all) {
    t.join();
  }
  return m.end(static_cast<long>(connections) * queries, failed);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view way = argc == 5 ? argv[1] : "";
  if (way != "fibers" && way != "threads") {
    std::fprintf(stderr, "usage: database fibers|threads CONNECTIONS QUERIES WORKERS\n");
    return 2;
  }
  const int connections = std::atoi(argv[2]), queries = std::atoi(argv[3]), workers = std::atoi(argv[4]);
  return way == "fibers" ? by_fibers(connections, queries, workers) : by_threads(connections, queries);
}
