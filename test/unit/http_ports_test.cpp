// Two shapes of Go programs, ported line by line: a chain of middleware that hands values down in the request's
// context, and a pool of workers behind a handler. Go's lines stand beside ours where they are not the same.
#include "gossamer/http.hpp"

#include <atomic>
#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "gossamer/fmt.hpp"
#include "gossamer/http/test.hpp"

using namespace gossamer;

namespace {

using middleware = std::function<http::handler(http::handler)>;  // type middleware func(http.Handler) http.Handler

// The first of them is the outermost.
http::handler chain(http::handler h, const std::vector<middleware>& all) {
  for (auto i = all.rbegin(); i != all.rend(); ++i) {  // for i := len(all) - 1; i >= 0; i-- {
    h = (*i)(h);
  }
  return h;
}

struct user_key {
  bool operator==(const user_key&) const = default;
};
struct id_key {
  bool operator==(const id_key&) const = default;
};

struct user {
  std::string name;
  bool admin = false;
};

http::handler with_id(http::handler next) {
  return [next](http::response_writer& w, http::request& r) {
    std::string id(r.header.get("X-Request-Id"));
    if (id.empty()) {
      id = "none";
    }
    w.header().set("X-Request-Id", id);
    // next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), idKey{}, id)))
    http::request with = r.with_context(context::with_value(r.context(), id_key(), id));
    next.serve_http(w, with);
  };
}

http::handler with_user(http::handler next) {
  return [next](http::response_writer& w, http::request& r) {
    auto login = r.basic_auth();  // name, password, ok := r.BasicAuth()
    if (!login || login->password != "secret") {
      w.header().set("WWW-Authenticate", R"(Basic realm="x")");
      http::error(w, "who are you?", http::status_unauthorized);
      return;
    }
    http::request with =
        r.with_context(context::with_value(r.context(), user_key(), user{login->user, login->user == "root"}));
    next.serve_http(w, with);
  };
}

http::handler admins_only(http::handler next) {
  return [next](http::response_writer& w, http::request& r) {
    const user* u = r.context().value<user>(user_key());  // u, ok := r.Context().Value(userKey{}).(user)
    if (u == nullptr || !u->admin) {
      http::error(w, "not you", http::status_forbidden);
      return;
    }
    next.serve_http(w, r);
  };
}

http::handler recovering(http::handler next) {
  return [next](http::response_writer& w, http::request& r) {
    func([&](defers& defer) {
      defer([&] {
        if (auto p = defer.recover()) {
          http::error(w, p->text(), http::status_internal_server_error);
        }
      });
      next.serve_http(w, r);
    });
  };
}

http::handler logging(http::handler next, const std::shared_ptr<chan<std::string>>& log) {
  return [next, log](http::response_writer& w, http::request& r) {
    defer d1{[&] { *log << r.method + " " + r.url.path; }};
    next.serve_http(w, r);
  };
}

http::test::recorder answer_to(const http::handler& h, std::string_view path, std::string_view name) {
  http::test::recorder rec;
  http::request r = http::test::new_request("GET", path);
  if (!name.empty()) {
    r.set_basic_auth(name, "secret");
  }
  r.header.set("X-Request-Id", name);
  h.serve_http(rec, r);
  return rec;
}

}  // namespace

FIBER_TEST("a chain of middleware hands values down in the context, and ends where one does not go on") {
  http::serve_mux mux;
  const auto greet = [](http::response_writer& w, http::request& r) {
    const user* u = r.context().value<user>(user_key());
    const std::string* id = r.context().value<std::string>(id_key());
    fmt::fprint{w, "hello ", u->name, " (", *id, ")"};
  };
  mux.handle("GET /hello", chain(greet, {with_user}));
  mux.handle("GET /admin", chain(greet, {with_user, admins_only}));
  mux.handle_func("GET /panic", [](http::response_writer&, http::request&) { panic("no"); });
  auto log = std::make_shared<chan<std::string>>(make_chan<std::string>(16));
  const http::handler h = chain(mux, {[&](http::handler next) { return logging(next, log); }, with_id, recovering});

  const auto hello = answer_to(h, "/hello", "ann");
  CHECK(hello.code == 200);
  CHECK(hello.body == "hello ann (ann)");
  CHECK(hello.sent().get("X-Request-Id") == "ann");
  CHECK(answer_to(h, "/admin", "root").body == "hello root (root)");
  const auto forbidden = answer_to(h, "/admin", "ann");
  CHECK(forbidden.code == 403);
  CHECK(forbidden.body == "not you\n");
  const auto unknown = answer_to(h, "/hello", "");
  CHECK(unknown.code == 401);
  CHECK(unknown.sent().get("Www-Authenticate") == R"(Basic realm="x")");
  CHECK(unknown.sent().get("X-Request-Id") == "none");
  const auto failed = answer_to(h, "/panic", "ann");
  CHECK(failed.code == 500);
  CHECK(failed.body == "no\n");
  close(*log);
  std::vector<std::string> lines;
  for (const auto& line : *log) {
    lines.push_back(line);
  }
  CHECK(lines == std::vector<std::string>{"GET /hello", "GET /admin", "GET /admin", "GET /hello", "GET /panic"});
}

FIBER_TEST("requests that are served at the same time have values of their own") {
  const http::handler h = chain(
      [](http::response_writer& w, http::request& r) {
        runtime::gosched();
        w.write(*r.context().value<std::string>(id_key()));
      },
      {with_id});
  sync::wait_group wg;
  std::atomic<int> right = 0;
  for (int i = 0; i < 100; ++i) {
    wg.go([&, i] {
      const std::string name = "request " + std::to_string(i);
      right += answer_to(h, "/", name).body == name ? 1 : 0;
    });
  }
  wg.wait();
  CHECK(right == 100);
}

namespace {

struct result {
  int sum = 0;
  error err;
};

// type job struct { ctx context.Context; n int; reply chan<- result }
struct job {
  context::context ctx;
  int n = 0;
  send_chan<result> reply;
};

class pool {
 public:
  explicit pool(int workers) {
    for (int i = 0; i < workers; ++i) {
      running_.go([jobs = jobs_] {
        for (const auto& j : jobs) {
          if (error err = j.ctx.err()) {  // nobody waits for it any more
            j.reply << result{0, err};
            continue;
          }
          int sum = 0;
          for (int k = 1; k <= j.n; ++k) {
            sum += k;
          }
          j.reply << result{sum, nil};
        }
      });
    }
  }
  void shutdown() {
    close(jobs_);
    running_.wait();
  }

  // Nothing is ever left in the queue that nobody reads: each reply has room for the one value.
  void serve_http(http::response_writer& w, http::request& r) {
    auto [n, err] = number(r.form_value("n"));  // n, err := strconv.Atoi(r.FormValue("n"))
    if (err) {
      http::error(w, err.text(), http::status_bad_request);
      return;
    }
    auto reply = make_chan<result>(1);
    switch (select(send(jobs_, job{r.context(), n, reply}), recv(r.context().done()), otherwise)) {
      case 0:
        break;
      case 1:
        return;
      default:
        http::error(w, "try again", http::status_service_unavailable);
        return;
    }
    result res;
    if (select(recv(reply, res), recv(r.context().done())) == 1) {
      http::error(w, context::cause(r.context()).text(), http::status_gateway_timeout);
      return;
    }
    if (res.err) {
      http::error(w, res.err.text(), http::status_gateway_timeout);
      return;
    }
    fmt::fprintln{w, res.sum};
  }

 private:
  static std::pair<int, error> number(std::string_view text) {
    int n = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (problem != std::errc() || end != text.data() + text.size() || n < 0 || n > 1000) {
      return {0, errors::make("n is a number, 1000 at most")};
    }
    return {n, nil};
  }

  chan<job> jobs_ = make_chan<job>(8);
  sync::wait_group running_;
};

http::test::recorder sum_of(pool& p, std::string_view target, const context::context& ctx = context::background()) {
  http::test::recorder rec;
  http::request r = http::test::new_request("GET", target);
  r.set_context(ctx);
  p.serve_http(rec, r);
  return rec;
}

}  // namespace

FIBER_TEST("a pool of workers behind a handler answers each request by its own result, or says that it is full") {
  pool p(4);
  std::atomic<int> right = 0, full = 0;
  sync::wait_group clients;
  for (int i = 0; i < 50; ++i) {
    clients.go([&, i] {
      const auto rec = sum_of(p, "/sum?n=" + std::to_string(i));
      if (rec.code == http::status_service_unavailable) {
        ++full;
      } else {
        right += rec.body == std::to_string(i * (i + 1) / 2) + "\n" ? 1 : 0;
      }
    });
  }
  clients.wait();
  CHECK(right + full == 50);
  CHECK(right > 0);
  CHECK(sum_of(p, "/sum?n=x").code == 400);
  CHECK(sum_of(p, "/sum?n=x").body == "n is a number, 1000 at most\n");
  p.shutdown();
}

FIBER_TEST("a full pool is said to be full, and a request whose context has ended leaves it") {
  pool p(0);
  auto [ctx, cancel] = context::with_cancel_cause(context::background());
  sync::wait_group waiting;
  std::atomic<int> timed_out = 0;
  for (int i = 0; i < 8; ++i) {
    waiting.go([&, c = ctx] { timed_out += sum_of(p, "/sum?n=1", c).body == "gone\n" ? 1 : 0; });
  }
  CHECK(support::eventually([&] { return runtime::num_fibers(runtime::status::waiting) >= 8; }));
  const auto rec = sum_of(p, "/sum?n=1");
  CHECK(rec.code == 503);
  CHECK(rec.body == "try again\n");
  cancel(errors::make("gone"));
  waiting.wait();
  CHECK(timed_out == 8);
  p.shutdown();
}
