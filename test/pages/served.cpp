// served: a process with debug pages and something to see there; its place is its only line of output. Ends when its
// standard input does.
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/http/pprof.hpp>
#include <gossamer/http/serve_mux.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>

#include <cstdio>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

sync::mutex accounts, audit;
const debug::object_name accounts_name(accounts, "accounts");
const debug::object_name audit_name(audit, "audit");

void receives_job(const chan<int>& jobs) {
  for (int job : jobs) {
    time::sleep(std::chrono::milliseconds(job));
  }
}

void locks_both(sync::mutex& first, sync::mutex& second) {
  first.lock();
  time::sleep(50ms);
  second.lock();
  second.unlock();
  first.unlock();
}

// Busy, idle, waiting, in a call, in a cycle, lost.
void do_what_programs_do(const chan<int>& jobs) {
  for (int i = 0; i < 24; ++i) {
    const debug::labels_scope scope(debug::labels{{"tenant", i % 2 == 0 ? "north" : "south"}});
    go({.name = "worker"}, [jobs] { receives_job(jobs); });
  }
  go({.name = "producer"}, [jobs] {
    for (int i = 0;; ++i) {
      jobs.send(5 + i % 20);
      time::sleep(std::chrono::milliseconds(i / 100 % 2 == 0 ? 1 : 8));
    }
  });
  go({.name = "transfer"}, [] { locks_both(accounts, audit); });
  go({.name = "report"}, [] { locks_both(audit, accounts); });
  go({.name = "lost"}, [] { chan<int>().recv(); });
  go({.name = "<img src=x onerror=document.title='broken'>"}, [] {
    for (;;) {
      time::sleep(1s);
    }
  });
  go({.name = "archive"}, [] { runtime::blocking([] { std::this_thread::sleep_for(1h); }); });
}

}  // namespace

int main() {
  int code = 1;
  run([&code] {
    const auto jobs = make_chan<int>(8);
    const debug::object_name jobs_name(jobs, "jobs");
    do_what_programs_do(jobs);
    auto [listener, err] = net::listen("tcp", "127.0.0.1:0");
    if (err) {
      std::fprintf(stderr, "%s\n", err.text().c_str());
      return;
    }
    http::pprof::register_default();
    http::server server;
    server.handler = http::default_serve_mux();
    std::printf("%s\n", listener.addr().text().c_str());
    std::fflush(stdout);
    go([&server] {
      static_cast<void>(io::read_all(os::standard_input()));
      static_cast<void>(server.close());
    });
    code = server.serve(listener) == http::server_closed ? 0 : 1;
  });
  return code;
}
