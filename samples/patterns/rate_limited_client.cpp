// rate_limited_client: a token bucket in front of a service: ask whether there is a token, or wait for one.
// Pattern: golang.org/x/time/rate.
//
//   $ tools/dev run rate_limited_client
//   allow: yes yes yes no no
//   wait: 6 requests in 20 ms or more
//   hurried: rate: Wait(n=1) would exceed context deadline
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

class client {
 public:
  client(rate::limit per_second, int burst) : limiter_(per_second, burst) {}

  // Drops the request where it would be too much.
  bool try_request() { return limiter_.allow(); }

  // Puts it off; not beyond the context.
  error request(const context::context& ctx) { return limiter_.wait(ctx); }

 private:
  rate::limiter limiter_;
};

int main() {
  return run([] {
    client hourly(rate::every(1h), 3);
    std::printf("allow:");
    for (int i = 0; i < 5; ++i) std::printf(" %s", hourly.try_request() ? "yes" : "no");
    std::puts("");

    client steady(rate::every(5ms), 1);
    const auto start = time::now();
    for (int i = 0; i < 6; ++i) steady.request(context::background());
    std::printf("wait: 6 requests in %s\n", time::since(start) >= 20ms ? "20 ms or more" : "TOO LITTLE TIME");

    auto [ctx, cancel] = context::with_timeout(context::background(), 10s);
    defer d1{cancel};
    error err = hourly.request(ctx);  // says so at once: the next token comes too late
    std::printf("hurried: %s\n", err.text().c_str());
  });
}
