// from_go: the longer examples of README.md, each as its Go stands there, one after the other.
//
//   $ tools/dev run from_go
//   worker: 1 + 4 + 9 = 14
//   worker: context canceled
//   fetch_all: 10 pages, the last one is page 9
//   fetch_all: fetch bad: no such page
//   request: hello, gopher
//   request: request slow: context deadline exceeded (a timeout)
//   square: 0 1 4 9 16
//   square: after a cancel its channel is closed
//   counter: a 1000, b 0, c none
#include <gossamer/gossamer.hpp>

#include <cstddef>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace gossamer;

// ---- a worker's loop, which ends with its jobs or its context ----

error worker(context::context ctx, recv_chan<int> jobs, send_chan<int> results) {
  for (;;) {
    int n = 0;
    bool ok = false;
    switch (select(recv(ctx.done()), recv(jobs, n, ok))) {
      case 0:
        return ctx.err();
      case 1:
        if (!ok) return nil;
        results << n * n;
    }
  }
}

void try_worker() {
  auto [ctx, cancel] = context::with_cancel(context::background());
  auto jobs = make_chan<int>();
  auto results = make_chan<int>(3);
  auto ended = make_chan<error>();
  go([=, c = ctx] { ended << worker(c, jobs, results); });
  for (int n = 1; n <= 3; ++n) jobs << n;
  close(jobs);
  if (error err = *ended) std::cout << "worker: " << err << '\n';
  close(results);
  int sum = 0;
  const char* between = "worker: ";
  for (int n : results) {
    std::cout << std::exchange(between, " + ") << n;
    sum += n;
  }
  std::cout << " = " << sum << '\n';

  go([=, c = ctx] { ended << worker(c, nil, nil); });
  cancel();
  std::cout << "worker: " << *ended << '\n';
}

// ---- an errgroup with a limit: every page, or the first error ----

std::pair<std::string, error> fetch(context::context ctx, const std::string& url) {
  if (error err = ctx.err()) return {"", err};
  if (url == "bad") return {"", errors::make("no such page")};
  return {"page " + url, nil};
}

std::pair<std::vector<std::string>, error> fetch_all(context::context ctx, const std::vector<std::string>& urls) {
  std::vector<std::string> pages(urls.size());
  auto [g, gctx] = errgroup::with_context(ctx);
  g.set_limit(4);
  for (std::size_t i = 0; i < urls.size(); ++i) {
    g.go([&, i, ctx = gctx]() -> error {
      auto [page, err] = fetch(ctx, urls[i]);
      if (err) return errors::wrap(err, "fetch ", urls[i]);
      pages[i] = page;
      return nil;
    });
  }
  if (error err = g.wait()) return {{}, err};
  return {pages, nil};
}

void try_fetch_all() {
  std::vector<std::string> urls;
  for (int i = 0; i < 10; ++i) urls.push_back(std::to_string(i));
  auto [pages, err] = fetch_all(context::background(), urls);
  std::cout << "fetch_all: " << pages.size() << " pages, the last one is " << pages.back() << '\n';
  std::cout << "fetch_all: " << fetch_all(context::background(), {"bad"}).second << '\n';
}

// ---- a request that may take so long ----

auto nobody_waits = make_chan<void>();

std::string lookup(const std::string& name) {
  if (name == "slow") nobody_waits.recv();
  return "hello, " + name;
}

std::pair<std::string, error> request(context::context parent, std::string name, time::duration limit) {
  auto [ctx, cancel] = context::with_timeout(parent, limit);
  defer d1{cancel};
  auto reply = make_chan<std::string>(1);
  go([=] { reply << lookup(name); });
  std::string r;
  switch (select(recv(reply, r), recv(ctx.done()))) {
    case 0:
      return {r, nil};
    default:
      return {"", errors::wrap(ctx.err(), "request ", name)};
  }
}

void try_request() {
  std::cout << "request: " << request(context::background(), "gopher", 1min).first << '\n';
  auto [reply, err] = request(context::background(), "slow", 10ms);
  std::cout << "request: " << err << (err.timeout() ? " (a timeout)\n" : "\n");
  close(nobody_waits);
}

// ---- a stage of a pipeline ----

recv_chan<int> square(context::context ctx, recv_chan<int> in) {
  auto out = make_chan<int>();
  go([=] {
    defer d1{[&] { close(out); }};
    for (int n : in) {
      if (select(send(out, n * n), recv(ctx.done())) == 1) return;
    }
  });
  return out;
}

void try_square() {
  auto numbers = make_chan<int>(5);
  for (int n = 0; n < 5; ++n) numbers << n;
  close(numbers);
  std::cout << "square:";
  for (int n : square(context::background(), numbers)) std::cout << ' ' << n;
  std::cout << '\n';

  auto [ctx, cancel] = context::with_cancel(context::background());
  auto endless = make_chan<int>();
  go([=, c = ctx] {
    defer d1{[&] { close(endless); }};
    for (int n = 0; select(send(endless, n), recv(c.done())) == 0; ++n) {
    }
  });
  auto squares = square(ctx, endless);
  squares.recv();
  cancel();
  while (squares.recv()) {
  }
  std::cout << "square: after a cancel its channel is closed\n";
}

// ---- a struct with its mutex ----

class counter {
 public:
  void inc(const std::string& key) {
    std::scoped_lock lock(mu_);
    ++n_[key];
  }
  std::optional<int> value(const std::string& key) {
    std::scoped_lock lock(mu_);
    auto at = n_.find(key);
    return at != n_.end() ? std::optional(at->second) : std::nullopt;
  }

 private:
  sync::mutex mu_;
  std::map<std::string, int> n_{{"b", 0}};
};

void try_counter() {
  counter c;
  sync::wait_group wg;
  for (int i = 0; i < 1000; ++i) wg.go([&] { c.inc("a"); });
  wg.wait();
  std::cout << "counter: a " << *c.value("a") << ", b " << *c.value("b") << ", c " << (c.value("c") ? "?" : "none")
            << '\n';
}

int main() {
  return run([] {
    try_worker();
    try_fetch_all();
    try_request();
    try_square();
    try_counter();
    while (runtime::num_fibers() > 1) runtime::gosched();
  });
}
