// Choosing handlers by patterns.
#include <gossamer/gossamer.hpp>
#include <gossamer/http/serve_mux.hpp>
#include <gossamer/http/test.hpp>

#include <string>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

struct ask {
  std::string method, target;
};

// 300 patterns as a service has them: 25 things, each with 12 calls. Both sides have the same.
std::vector<ask> fill(const http::serve_mux& mux, const http::handler& h) {
  static const char* const things[] = {
      "users",     "accounts", "orders", "invoices", "payments", "refunds", "products",     "prices",  "carts",
      "customers", "groups",   "roles",  "sessions", "tokens",   "events",  "alerts",       "reports", "documents",
      "images",    "comments", "tags",   "projects", "tasks",    "teams",   "subscriptions"};
  struct call {
    const char *method, *pattern, *target;
  };
  static const call calls[] = {
      {"GET", "", ""},
      {"POST", "", ""},
      {"GET", "/{id}", "/8f14e45f"},
      {"PUT", "/{id}", "/8f14e45f"},
      {"DELETE", "/{id}", "/8f14e45f"},
      {"GET", "/{id}/history", "/8f14e45f/history"},
      {"GET", "/{id}/parts/{part}", "/8f14e45f/parts/17"},
      {"PUT", "/{id}/parts/{part}", "/8f14e45f/parts/17"},
      {"POST", "/{id}/archive", "/8f14e45f/archive"},
      {"GET", "/search/{$}", "/search/"},
      {"GET", "-export/{path...}", "-export/2024/02/all.csv"},
      {"GET", "-by-name/{first}/{last}", "-by-name/ada/lovelace"},
  };
  std::vector<ask> asks;
  for (const char* const thing : things) {
    for (const auto& [method, pattern, target] : calls) {
      const std::string base = std::string("/api/v1/") + thing;
      mux.handle(std::string(method) + " " + base + pattern, h);
      asks.push_back({method, base + target});
    }
  }
  return asks;
}

// One request that is used again, as a connection does it. By the CPU's time.
figure mux_300(long count) {
  const http::serve_mux mux;
  long bytes = 0;
  const std::vector<ask> asks = fill(mux, [&bytes](http::response_writer&, http::request& r) {
    bytes += static_cast<long>(r.path_value("id").size());
  });
  http::request r = http::test::new_request("GET", "/");
  http::test::recorder w;
  const double start = cpu_milliseconds();
  for (long i = 0; i < count; ++i) {
    const ask& a = asks[static_cast<std::size_t>(i) * 7 % asks.size()];
    r.reset(nullptr);
    r.method = a.method;
    r.url.path = a.target;
    mux.serve_http(w, r);
  }
  const double milliseconds = cpu_milliseconds() - start;
  if (w.code != http::status_ok || !w.body.empty() || bytes == 0) {
    panic("bench: a request was not matched");
  }
  return {milliseconds * 1e6 / static_cast<double>(count)};
}

constexpr row rows[] = {
    {"http_mux_300", "ns/request", 3'000'000, 30'000, mux_300},
};

}  // namespace

std::span<const row> routing_rows() { return rows; }

}  // namespace bench
