// http::pprof: who may see the debug pages, and what they say. The page in a browser: test/pages.
#include <gossamer/debug.hpp>
#include <gossamer/http/pprof.hpp>
#include <gossamer/http/serve_mux.hpp>
#include <gossamer/http/server.hpp>
#include <gossamer/http/test.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"
#include "http/pprof_metrics.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using http::test::recorder;

namespace {

http::request local_request(std::string_view target) {
  http::request r = http::test::new_request("GET", target);
  r.remote_addr = "127.0.0.1:4321";
  r.host = "localhost:6060";
  return r;
}

recorder answer_of(const http::handler& h, http::request r) {
  recorder w;
  h(w, r);
  return w;
}
recorder answer_of(const http::handler& h, std::string_view target) { return answer_of(h, local_request(target)); }

int status_of(std::string_view remote, std::string_view host, http::pprof::options how = {}) {
  http::request r = local_request("/metrics");
  r.remote_addr = remote;
  r.host = host;
  return answer_of(http::pprof::metrics(how), std::move(r)).code;
}

bool has(std::string_view all, std::string_view part) { return all.find(part) != all.npos; }

// Fibers that are blocked on a channel, until the scope's end.
class blocked {
 public:
  blocked(int n, std::string name, const debug::labels& labels = {}) {
    const debug::labels_scope scope(labels);
    for (int i = 0; i < n; ++i) {
      all_.add(1);
      go({.name = name}, [this] {
        gate_.recv();
        all_.done();
      });
    }
    CHECK(support::eventually([&] {
      return static_cast<int>(debug::fibers({.state = runtime::status::waiting, .name = name}).size()) == n;
    }));
  }
  blocked(const blocked&) = delete;
  blocked& operator=(const blocked&) = delete;
  ~blocked() {
    gate_.close();
    all_.wait();
  }

 private:
  chan<int> gate_ = make_chan<int>();
  debug::object_name name_{gate_, "<gate & \"co\">"};
  sync::wait_group all_;
};

// The samples of a text in Prometheus' format: names with their labels, and values.
std::map<std::string, double> samples_of(const std::string& text) {
  std::map<std::string, double> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) {
      const std::size_t blank = line.rfind(' ');
      CHECK(all.emplace(line.substr(0, blank), std::stod(line.substr(blank + 1))).second);
    }
  }
  return all;
}

}  // namespace

PLAIN_TEST("debug pages: who comes from this machine, by a name of it") {
  CHECK(status_of("127.0.0.1:1", "localhost") == 200);
  CHECK(status_of("127.0.0.1:1", "LOCALHOST:80") == 200);
  CHECK(status_of("127.9.9.9:1", "127.0.0.1:80") == 200);
  CHECK(status_of("[::1]:1", "[::1]:80") == 200);
  CHECK(status_of("[::1]:1", "[::1]") == 200);
  CHECK(status_of("[::ffff:127.0.0.1]:1", "localhost.") == 200);
  CHECK(status_of("127.0.0.1:1", "app.localhost:6060") == 200);
}

PLAIN_TEST("debug pages: nobody else, and it is said how to allow it") {
  CHECK(status_of("192.0.2.1:1", "localhost") == 403);
  CHECK(status_of("[2001:db8::1]:1", "localhost") == 403);
  CHECK(status_of("", "localhost") == 403);
  CHECK(status_of("pipe", "localhost") == 403);
  for (const char* host : {"", "example.com", "localhost.example.com", "notlocalhost", "127.0.0.1.example.com", "[::1",
                           "[::1]x", "[]", "0.0.0.0", "10.0.0.1:80", "localhost:80:80", ".", "[", "2130706433"}) {
    CAPTURE(host);
    CHECK(status_of("127.0.0.1:1", host) == 403);
  }
  http::request r = local_request("/metrics");
  r.remote_addr = "192.0.2.1:1";
  const recorder w = answer_of(http::pprof::metrics(), std::move(r));
  CHECK(has(w.body, "http::pprof::options{.allow_remote = true}"));
  CHECK(w.sent().get("Content-Type") == "text/plain; charset=utf-8");
}

PLAIN_TEST("debug pages: what a proxy passes on has come from elsewhere") {
  for (const char* name : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"}) {
    CAPTURE(name);
    http::request r = local_request("/metrics");
    r.header.set(name, "127.0.0.1");
    CHECK(answer_of(http::pprof::metrics(), std::move(r)).code == 403);
  }
}

PLAIN_TEST("debug pages: a unix socket is of this machine, whatever the host") {
  http::request r = local_request("/metrics");
  r.set_context(context::with_value(context::background(), http::local_addr_context_key,
                                    net::addr(net::unix_addr{"/run/x.sock"})));
  r.remote_addr = "@";
  r.host = "anything";
  CHECK(answer_of(http::pprof::metrics(), std::move(r)).code == 200);
}

PLAIN_TEST("debug pages: with allow_remote everybody is answered") {
  CHECK(status_of("192.0.2.1:1", "example.com", {.allow_remote = true}) == 200);
}

PLAIN_TEST("debug pages: all handlers are guarded") {
  namespace pprof = http::pprof;
  for (const http::handler& h :
       {pprof::index(), pprof::profile("fiber"), pprof::cmdline(), pprof::metrics(), pprof::fibers()}) {
    http::request r = http::test::new_request("GET", "/debug/pprof/");
    CHECK(answer_of(h, std::move(r)).code == 403);
    CHECK(answer_of(h, "/debug/pprof/").code == 200);
  }
}

PLAIN_TEST("debug pages: the list names each profile, and each is there") {
  const recorder list = answer_of(http::pprof::index(), "/debug/pprof/");
  CHECK(list.sent().get("Content-Type") == "text/html; charset=utf-8");
  CHECK(list.sent().get("X-Content-Type-Options") == "nosniff");
  for (const char* name : {"cmdline", "fiber", "fibers.folded", "fibers.json", "goroutine", "goroutineleak", "leaks"}) {
    CAPTURE(name);
    CHECK(has(list.body, ">" + std::string(name) + "</a>"));
    CHECK(answer_of(http::pprof::index(), "/debug/pprof/" + std::string(name)).code == 200);
    CHECK(answer_of(http::pprof::profile(name), "/anywhere").code == 200);
  }
}

PLAIN_TEST("debug pages: a profile that does not exist") {
  const recorder w = answer_of(http::pprof::index(), "/debug/pprof/heap");
  CHECK(w.code == 404);
  CHECK(w.body == "Unknown profile\n");
  CHECK(w.sent().get("X-Go-Pprof") == "1");
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/goroutine?seconds=1").code == 400);
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?state=asleep").code == 400);
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?min_wait=long").code == 400);
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?id=x").code == 400);
}

PLAIN_TEST("debug pages: the command line") {
  const recorder w = answer_of(http::pprof::cmdline(), "/debug/pprof/cmdline");
  CHECK(has(w.body.substr(0, w.body.find('\0')), "unit-http"));
  CHECK_FALSE(w.body.ends_with('\0'));
}

FIBER_TEST("debug pages: goroutine in its three forms") {
  const blocked some(5, "reader");
  const recorder proto = answer_of(http::pprof::index(), "/debug/pprof/goroutine");
  CHECK(proto.body.starts_with("\x1f\x8b"));
  CHECK(proto.sent().get("Content-Type") == "application/octet-stream");
  CHECK(proto.sent().get("Content-Disposition") == "attachment; filename=\"goroutine\"");
  const recorder counted = answer_of(http::pprof::index(), "/debug/pprof/goroutine?debug=1");
  CHECK(counted.body.starts_with("goroutine profile: total "));
  CHECK(has(counted.body, "\n5 @ 0x"));
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/fiber?debug=1").body.starts_with("fiber profile: total "));
  const recorder each = answer_of(http::pprof::index(), "/debug/pprof/goroutine?debug=2");
  CHECK(each.sent().get("Content-Type") == "text/plain; charset=utf-8");
  CHECK(each.body.starts_with("fiber "));
  CHECK(has(each.body, "chan receive"));
}

FIBER_TEST("debug pages: fibers.json lets through what it is asked for") {
  const blocked some(3, "reader");
  const blocked others(2, "writer");
  const recorder w = answer_of(http::pprof::index(), "/debug/pprof/fibers.json?name=reader&state=waiting");
  CHECK(w.sent().get("Content-Type") == "application/json");
  CHECK(has(w.body, "\"total\": 3,"));
  CHECK_FALSE(has(w.body, "writer"));
  CHECK(has(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?min_wait=1h").body, "\"total\": 0,"));
  CHECK(has(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?leaked=true").body, "\"total\": 0,"));
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/fibers.json?leaked=perhaps").code == 400);
}

FIBER_TEST("debug pages: what has leaked, and nothing else") {
  const recorder none = answer_of(http::pprof::index(), "/debug/pprof/goroutineleak?debug=1");
  CHECK(none.body == "goroutineleak profile: total 0\n");
  CHECK(answer_of(http::pprof::index(), "/debug/pprof/goroutineleak").body.starts_with("\x1f\x8b"));
  const blocked some(2, "reader");
  const recorder text = answer_of(http::pprof::index(), "/debug/pprof/leaks");
  CHECK(has(text.body, "2 fibers are alive"));
  const recorder json = answer_of(http::pprof::index(), "/debug/pprof/leaks?format=json");
  CHECK(json.sent().get("Content-Type") == "application/json");
  CHECK(json.body.starts_with("{\"total\": 2,"));
  CHECK(has(json.body, "\"level\": \"none\""));
  CHECK(has(json.body, "\"cycles\": ["));
}

PLAIN_TEST("debug pages: who waits for a nil channel has leaked") {
  run([] {
    go({.name = "lost"}, [] { chan<int>().recv(); });
    CHECK(support::eventually([] { return debug::read_metrics().waiting == 1; }));
    const recorder counted = answer_of(http::pprof::index(), "/debug/pprof/goroutineleak?debug=1");
    CHECK(counted.body.starts_with("goroutineleak profile: total 1\n"));
    CHECK(has(answer_of(http::pprof::index(), "/debug/pprof/leaks?format=json").body, "\"level\": \"proven\""));
    CHECK(has(answer_of(http::pprof::fibers(), "/debug/fibers").body, ">proven</span>"));
  });
}

FIBER_TEST("debug pages: metrics are what Prometheus reads") {
  const blocked some(4, "reader");
  const recorder w = answer_of(http::pprof::metrics(), "/metrics");
  CHECK(w.sent().get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  const auto all = samples_of(w.body);
  const auto value = [&](const char* name) { return all.count(name) != 0 ? all.at(name) : -1; };
  CHECK(value("gossamer_fibers{state=\"waiting\"}") == 4);
  CHECK(value("gossamer_fibers{state=\"running\"}") == 1);
  CHECK(value("gossamer_parks_total{reason=\"chan receive\"}") >= 4);
  CHECK(value("gossamer_max_procs") == support::width());
  CHECK(value("gossamer_fibers_spawned_total") >= 5);
  CHECK(value("gossamer_wait_seconds_bucket{le=\"+Inf\"}") == value("gossamer_wait_seconds_count"));
  CHECK(value("gossamer_wait_seconds_bucket{le=\"1.024e-06\"}") >= 0);
  // Each family is described once, before its samples.
  std::istringstream lines(w.body);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(w.body.find("# HELP " + family + " ") < w.body.find("# TYPE " + family + " "));
    } else if (!line.starts_with('#')) {
      CHECK(line.starts_with(family));
    }
  }
}

FIBER_TEST("debug pages: each worker's metrics add up to the sum") {
  const blocked some(4, "reader");
  const debug::metrics m = debug::read_metrics();
  const auto sum = samples_of(http::pprof::metrics_text(m, false));
  const auto each = samples_of(http::pprof::metrics_text(m, true));
  const auto added = [&](const std::string& name, const std::string& labels) {
    double n = 0;
    for (const auto& [key, value] : each) {
      n += key.starts_with(name + "{") && has(key, labels) ? value : 0;
    }
    return n;
  };
  for (const std::string name : {"gossamer_fibers_spawned_total", "gossamer_fibers_ended_total",
                                 "gossamer_switches_total", "gossamer_wait_seconds_count"}) {
    CHECK(added(name, "worker=") == sum.at(name));
  }
  CHECK(added("gossamer_parks_total", "reason=\"chan receive\"") ==
        sum.at("gossamer_parks_total{reason=\"chan receive\"}"));
}

PLAIN_TEST("debug pages: buckets of a histogram count all that took no longer") {
  debug::metrics m;
  m.total.wait_time.counts[0] = 3;
  m.total.wait_time.counts[2] = 4;
  m.total.wait_time.counts[debug::histogram::buckets - 1] = 5;
  m.total.wait_time.sum = 1500ms;
  m.total.parks = {{"a \"b\"\\c\n", 7}};
  const auto all = samples_of(http::pprof::metrics_text(m, false));
  CHECK(all.at("gossamer_wait_seconds_bucket{le=\"1.024e-06\"}") == 3);
  CHECK(all.at("gossamer_wait_seconds_bucket{le=\"4.096e-06\"}") == 3);
  CHECK(all.at("gossamer_wait_seconds_bucket{le=\"1.6384e-05\"}") == 7);
  CHECK(all.at("gossamer_wait_seconds_bucket{le=\"68.719476736\"}") == 7);
  CHECK(all.at("gossamer_wait_seconds_bucket{le=\"+Inf\"}") == 12);
  CHECK(all.at("gossamer_wait_seconds_sum") == 1.5);
  CHECK(all.at("gossamer_parks_total{reason=\"a \\\"b\\\"\\\\c\\n\"}") == 7);
}

FIBER_TEST("debug pages: the page is complete without scripts, and escapes what comes from fibers") {
  const blocked some(3, "<img src=x onerror='boom()'>", {{"<k>", "\"v\" & more"}});
  const recorder w = answer_of(http::pprof::fibers(), "/debug/fibers");
  CHECK(w.sent().get("Content-Type") == "text/html; charset=utf-8");
  CHECK_FALSE(has(w.body, "<img"));
  CHECK_FALSE(has(w.body, "<k>"));
  CHECK(has(w.body, "&lt;img src=x onerror=&#39;boom()&#39;&gt;"));
  CHECK(has(w.body, "&lt;k&gt;=&#34;v&#34; &amp; more"));
  CHECK(has(w.body, "chan &#34;&lt;gate &amp; &#34;co&#34;&gt;&#34; 0/0"));
  CHECK(has(w.body, "<b id=\"n-waiting\">3</b>"));
  CHECK(has(w.body, "4 of 4 fibers"));
  CHECK(has(w.body, "http_pprof_test.cpp:"));
}

FIBER_TEST("debug pages: the page's table is filtered and sorted by the server too") {
  const blocked some(3, "reader");
  const blocked other(1, "Writer");
  const auto page = [](std::string_view query) {
    return answer_of(http::pprof::fibers(), "/debug/fibers?" + std::string(query)).body;
  };
  CHECK(has(page("q=writer"), "1 of 5 fibers"));
  CHECK(has(page("q=nobody"), "0 of 5 fibers"));
  CHECK(has(page("state=waiting"), "4 of 5 fibers"));
  CHECK(has(page("min=1h"), "0 of 5 fibers"));
  CHECK(has(page("q=%22%3E%3Cscript%3E"), "value=\"&#34;&gt;&lt;script&gt;\""));
  const std::string by_name = page("sort=name&state=waiting");
  const std::string table = by_name.substr(by_name.find("<tbody"));
  CHECK(table.find("Writer") < table.find("reader"));
  const std::string by_id = page("sort=id");
  const std::string rows = by_id.substr(by_id.find("<tbody"));
  // Each worker gives out numbers of its own: who was started later may have the smaller one.
  const auto least_id = [](std::string_view name) {
    const auto all = debug::fibers({.name = std::string(name)});
    return std::ranges::min_element(all, {}, &debug::fiber_info::id)->id;
  };
  CHECK((rows.find("reader") < rows.find("Writer")) == (least_id("reader") < least_id("Writer")));
}

FIBER_TEST("debug pages: nothing from outside, and no script but its own") {
  const recorder w = answer_of(http::pprof::fibers(), "/debug/fibers");
  const std::string_view policy = w.sent().get("Content-Security-Policy");
  CHECK(has(policy, "default-src 'none'"));
  const std::string_view before = "script-src 'nonce-";
  const std::string once(policy.substr(policy.find(before) + before.size(), 32));
  CHECK(has(w.body, "<script nonce=\"" + once + "\">"));
  CHECK_FALSE(has(w.body, "http://"));
  CHECK_FALSE(has(w.body, "https://"));
  CHECK_FALSE(has(answer_of(http::pprof::fibers(), "/debug/fibers").body, once));  // another the next time
}

PLAIN_TEST("debug pages: on a mux, at their usual places") {
  const http::serve_mux mux;
  http::pprof::handle(mux);
  const auto code = [&](std::string_view method, std::string_view target) {
    http::request r = local_request(target);
    r.method = method;
    recorder w;
    mux.serve_http(w, r);
    return w.code;
  };
  CHECK(code("GET", "/debug/pprof/") == 200);
  CHECK(code("GET", "/debug/pprof/goroutine?debug=1") == 200);
  CHECK(code("GET", "/debug/fibers") == 200);
  CHECK(code("GET", "/metrics") == 200);
  CHECK(code("HEAD", "/metrics") == 200);
  CHECK(code("POST", "/metrics") == 405);
  CHECK(code("GET", "/debug/other") == 404);
}
