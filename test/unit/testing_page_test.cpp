// The code of samples/testing.md, line for line: tools/check_docs.py holds each block of the page to this file.
#include <gossamer/gossamer.hpp>
#include <gossamer/rate.hpp>
#include <gossamer/synctest.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "fiber_test.hpp"

// As the page has it, in lines of a page's width.
// clang-format off

using namespace gossamer;

namespace {

// ---- a time-out

error ask(const chan<std::string>& answers, std::string& answer) {
  const auto [ctx, cancel] = context::with_timeout(context::background(), 2s);
  defer d{cancel};
  return answers.recv_until(ctx, answer) == channel_status::done ? error() : ctx.err();
}

// ---- a retry with back-off

// Tries again after 1 s, 2 s, 4 s, ... until f works or the context has ended.
template <class F>
error retry(const context::context& ctx, F f) {
  for (time::duration pause = 1s;; pause *= 2) {
    error err = f();
    if (!err || !time::sleep_for(pause, ctx)) return err;
  }
}

// ---- a loop around a ticker

void report_every_minute(const context::context& ctx, std::vector<time::time_point>& reports) {
  const time::ticker t(1min);
  for (;;) {
    time::time_point at;
    if (t.c.recv_until(ctx, at) != channel_status::done) return;
    reports.push_back(at);
  }
}

// ---- a graceful shutdown

// Those at work may finish within five seconds; then they are cancelled. Whether all have finished.
bool shut_down(const chan<int>& jobs, sync::wait_group& workers, const context::cancel_func& cancel) {
  close(jobs);
  if (workers.wait_for(5s)) return true;
  cancel();
  workers.wait();
  return false;
}

}  // namespace

TEST_CASE("a clock of its own") {
  synctest::test([] {
    const auto start = time::now();
    time::sleep(24h);
    CHECK(time::since(start) == 24h);
  });
}

TEST_CASE("an answer that comes too late is a time-out") {
  synctest::test([] {
    auto answers = make_chan<std::string>(1);
    go([answers] {
      time::sleep(2s + 1ns);
      answers << "late";
    });
    std::string answer;
    CHECK(ask(answers, answer) == context::deadline_exceeded);
    synctest::sleep(1ns);
    CHECK(ask(answers, answer) == nil);
    CHECK(answer == "late");
  });
}

TEST_CASE("a retry waits twice as long each time, and gives up with its context") {
  synctest::test([] {
    const auto start = time::now();
    int calls = 0;
    CHECK(retry(context::background(), [&] { return ++calls < 11 ? errors::make("busy") : error(); }) == nil);
    CHECK(time::since(start) == 1023s);

    const auto [ctx, cancel] = context::with_timeout(context::background(), 10s);
    CHECK(retry(ctx, [] { return errors::make("busy"); }).text() == "busy");
    CHECK(time::since(start) == 1033s);
    cancel();
  });
}

TEST_CASE("reports come every minute until they are stopped") {
  synctest::test([] {
    const auto [ctx, cancel] = context::with_cancel(context::background());
    std::vector<time::time_point> reports;
    go([&, ctx = ctx] { report_every_minute(ctx, reports); });
    synctest::sleep(59s);
    CHECK(reports.empty());
    synctest::sleep(1s);
    CHECK(reports.size() == 1);
    synctest::sleep(24h);
    CHECK(reports.size() == 1 + 24 * 60);
    cancel();
  });
}

TEST_CASE("ten calls at two a second take four and a half seconds") {
  synctest::test([] {
    const auto start = time::now();
    rate::limiter limit(2, 1);
    for (int i = 0; i < 10; ++i) {
      CHECK(limit.wait(context::background()) == nil);
    }
    CHECK(time::since(start) == 4500ms);
  });
}

TEST_CASE("a shutdown waits for who is at work, for five seconds") {
  for (const auto work : {4s, 6s}) {
    synctest::test([&] {
      const auto [ctx, cancel] = context::with_cancel(context::background());
      auto jobs = make_chan<int>(1);
      sync::wait_group workers;
      workers.go([&, ctx = ctx] {
        for ([[maybe_unused]] const int job : jobs) time::sleep_for(work, ctx);
      });
      jobs << 1;
      synctest::wait();  // the worker has it
      const auto start = time::now();
      CHECK(shut_down(jobs, workers, cancel) == (work < 5s));
      CHECK(time::since(start) == std::min<time::duration>(work, 5s));
      cancel();
    });
  }
}
