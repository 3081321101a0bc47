// context_timeouts: a deadline is handed down with the context: a call may ask for less time, and never gets more.
// Pattern: Sameer Ajmani, Go Concurrency Patterns: Context, 2014.
//
//   $ tools/dev run context_timeouts
//   the request is bob's
//   the database: context deadline exceeded (a timeout)
//   the cache: context deadline exceeded, because the cache is slow
//   the request goes on
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <string>

using namespace gossamer;

struct user_key {
  bool operator==(const user_key&) const = default;
};

// Would take an hour, and gives up when it is told to.
error slow_query(const context::context& ctx) { return time::sleep_for(1h, ctx) ? error(nil) : ctx.err(); }

error query_cache(const context::context& ctx) {
  auto [quick, cancel] = context::with_timeout_cause(ctx, 1ms, errors::make("the cache is slow"));
  defer d1{cancel};
  error err = slow_query(quick);
  return err ? errors::make(err, ", because ", context::cause(quick)) : err;
}

error query_database(const context::context& ctx) {
  auto [ctx2, cancel] = context::with_timeout(ctx, 24h);  // the caller's deadline is earlier, and counts
  defer d1{cancel};
  return slow_query(ctx2);
}

int main() {
  return run([] {
    auto request = context::with_value(context::background(), user_key{}, "bob");
    std::printf("the request is %s's\n", request.value<std::string>(user_key{})->c_str());

    auto [hurried, cancel] = context::with_timeout(request, 5ms);
    defer d1{cancel};
    error err = query_database(hurried);
    std::printf("the database: %s (%s)\n", err.text().c_str(), err.timeout() ? "a timeout" : "no timeout");

    std::printf("the cache: %s\n", query_cache(request).text().c_str());
    if (!request.err()) std::puts("the request goes on");
  });
}
