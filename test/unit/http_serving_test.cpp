// http: how a server begins, goes on and ends; contexts, deadlines, connections that are taken over.
#include <gossamer/chan.hpp>
#include <gossamer/http.hpp>

#include <atomic>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http_served.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::ask;
using support::eventually;
using support::served;

namespace {
constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr std::string_view kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
}  // namespace

FIBER_TEST("http serving: a request's context has its server and the address, and ends when the handler returns") {
  context::context seen;
  served s(nullptr);
  s.srv.handler = [&](http::response_writer&, http::request& r) {
    seen = r.context();
    CHECK(seen.err() == nil);
    auto* const* const server = seen.value<http::server*>(http::server_context_key);
    CHECK((server != nullptr && *server == &s.srv));
    const auto* const address = seen.value<net::addr>(http::local_addr_context_key);
    CHECK((address != nullptr && address->text() == s.place()));
  };
  s.start();
  ask(s, get);
  s.stop();  // what a handler has written is seen then
  CHECK(seen.err() == context::canceled);
}

FIBER_TEST("http serving: a request's context ends when the client goes away, body or not") {
  std::atomic<int> gone = 0;
  served s([&](http::response_writer&, http::request& r) {
    const context::context ctx = r.context();
    CHECK(io::read_all(r.body).second == nil);
    *ctx.done();
    CHECK(ctx.err() == context::canceled);
    gone++;
  });
  s.start();
  for (const std::string_view text :
       {kept, std::string_view("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"),
        std::string_view("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}) {
    const net::conn c = s.dial();
    c.write(text);
    c.close();
  }
  CHECK(eventually([&] { return gone == 3; }));
}

FIBER_TEST("http serving: a request that comes while another is answered is not lost to who watches the client") {
  served s([](http::response_writer& w, http::request& r) {
    const context::context ctx = r.context();
    for (int i = 0; i < 5; ++i) {
      runtime::gosched();
    }
    w.write(r.url.path);
  });
  s.start();
  const net::conn c = s.dial();
  for (int i = 0; i < support::scale(200); ++i) {
    const std::string path = "/" + std::to_string(i);
    c.write("GET " + path.substr(0, 1));
    c.write(path.substr(1) + " HTTP/1.1\r\nHost: a\r\n\r\nGET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string got = support::read_until(c, "\r\n\r\n/again");
    CHECK(got.find("\r\n\r\n" + path) != std::string::npos);
  }
  c.close();
}

FIBER_TEST("http serving: shutdown ends idle connections, and waits for those at work") {
  chan<void> begun = make_chan<void>(1);
  chan<void> go_on = make_chan<void>();
  served s([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/slow") {
      begun << unit{};
      *go_on;
    }
    w.write("done");
  });
  const auto told = std::make_shared<std::atomic<bool>>(false);  // each shutdown calls it, the last one too
  s.srv.register_on_shutdown([told] { *told = true; });
  s.start();
  const net::conn idle = s.dial();
  idle.write(kept);
  CHECK(support::read_n(idle, 4) == "HTTP");
  const net::conn busy = s.dial();
  busy.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  *begun;
  auto [ctx, cancel] = context::with_timeout(context::background(), 10ms);
  CHECK(s.srv.shutdown(ctx) == context::deadline_exceeded);
  cancel();
  CHECK(support::read_to_end(idle).ends_with("done"));
  CHECK(eventually([&] { return told->load(); }));
  close(go_on);
  const std::string answer = support::read_to_end(busy);
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(answer.ends_with("done"));
  CHECK(s.srv.listen_and_serve() == http::server_closed);
  CHECK(s.srv.serve(support::bound_listener().l) == http::server_closed);
  idle.close();
  busy.close();
}

FIBER_TEST("http serving: close ends all connections") {
  std::atomic<int> at_work = 0;
  served s([&](http::response_writer&, http::request& r) {
    at_work++;
    *r.context().done();
  });
  s.start();
  std::vector<net::conn> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(s.dial());
    all.back().write(kept);
  }
  CHECK(eventually([&] { return at_work == 5; }));
  CHECK(s.srv.close() == nil);
  for (const net::conn& c : all) {
    CHECK(support::read_to_end(c).empty());
    c.close();
  }
}

FIBER_TEST("http serving: no request is lost between an idle connection and a shutdown: answered whole, or not begun") {
  for (int round = 0; round < support::scale(40); ++round) {
    served s([](http::response_writer& w, http::request&) { w.write("whole"); });
    s.start();
    support::crew clients;
    for (int i = 0; i < 4; ++i) {
      clients.go([&] {
        const auto [c, refused] = net::dial("tcp", s.place());
        while (!refused) {
          if (c.write(kept).second) {
            break;
          }
          char piece[512];
          const auto [n, err] = c.read(piece);
          if (err || n == 0) {
            break;
          }
          CHECK(std::string_view(piece, n).ends_with("whole"));
        }
        static_cast<void>(c.close());
      });
    }
    for (int k = 0; k < round % 7; ++k) {
      runtime::gosched();
    }
    s.stop();
    clients.join();
  }
}

FIBER_TEST("http serving: states of a connection are told in their order") {
  std::vector<http::conn_state> seen;
  sync::mutex lock;
  served s([](http::response_writer&, http::request&) {});
  s.srv.conn_state = [&](const net::conn&, http::conn_state st) {
    const std::lock_guard hold(lock);
    seen.push_back(st);
  };
  s.start();
  ask(s, std::string(kept) + std::string(get));
  s.stop();
  using enum http::conn_state;
  CHECK((seen == std::vector{created, active, idle, active, closed}));
}

FIBER_TEST("http serving: a connection that is taken over has what came behind the request, and is the handler's") {
  served s([](http::response_writer& w, http::request&) {
    auto [c, err] = http::response_controller(w).hijack();
    CHECK(err == nil);
    CHECK(w.write("x").second == http::connection_hijacked);
    CHECK(http::response_controller(w).hijack().second == http::connection_hijacked);
    CHECK(support::read_n(c, 9) == "more, and");
    c.write("raw answer");
    c.close();
  });
  s.start();
  const net::conn c = s.dial();
  c.write(std::string(kept) + "more, ");
  c.write("and");
  CHECK(support::read_to_end(c) == "raw answer");
  c.close();
}

FIBER_TEST("http serving: a client that is too slow is let go without a word, and an idle one too") {
  const auto x = [](http::response_writer& w, http::request&) { w.write("x"); };
  served impatient(x);
  impatient.srv.read_header_timeout = 20ms;
  impatient.start();
  served keeps_none(x);
  keeps_none.srv.idle_timeout = 20ms;
  keeps_none.start();
  const net::conn silent = impatient.dial();
  const net::conn half = impatient.dial();
  half.write("GET / HTTP/1.1\r\nHo");
  const net::conn idle = keeps_none.dial();
  idle.write(kept);
  CHECK(support::read_to_end(silent).empty());
  CHECK(support::read_to_end(half).empty());
  CHECK(support::read_to_end(idle).ends_with("x"));
  for (const net::conn& c : {silent, half, idle}) {
    c.close();
  }
}

FIBER_TEST("http serving: reading a body ends at read_timeout, writing at write_timeout") {
  std::atomic<bool> read_ended = false;
  std::atomic<bool> write_ended = false;
  served s([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/read") {
      read_ended = io::read_all(r.body).second.timeout();
      return;
    }
    const std::string piece(100'000, 'x');
    gossamer::error err;
    while (!err) {
      err = w.write(piece).second;
    }
    write_ended = err.timeout();
  });
  s.srv.read_header_timeout = 1h;  // the first head may take as long as the machine does
  s.srv.read_timeout = 30ms;
  s.srv.write_timeout = 60ms;
  s.start();
  const net::conn c = s.dial();
  c.write("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  CHECK(eventually([&] { return read_ended.load(); }));
  const net::conn d = s.dial();
  d.write(kept);
  CHECK(eventually([&] { return write_ended.load(); }));
  c.close();
  d.close();
}

FIBER_TEST("http serving: a limit of reading does not end the context of a request that has been read") {
  served s([](http::response_writer& w, http::request& r) {
    const context::context ctx = r.context();
    CHECK(http::response_controller(w).set_read_deadline(std::chrono::steady_clock::now() + 1ms) == nil);
    time::sleep(30ms);
    CHECK(ctx.err() == nil);
    w.write("x");
  });
  s.srv.read_header_timeout = 1h;  // the first head may take as long as the machine does
  s.srv.read_timeout = 10ms;
  s.start();
  CHECK(ask(s, get).ends_with("x"));
}

FIBER_TEST("http serving: a body that is kept beyond its request reads no more") {
  io::read_closer kept_body;
  served s([&](http::response_writer& w, http::request& r) {
    kept_body = r.body;
    w.write("x");
  });
  s.start();
  ask(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab");
  s.stop();
  char one[1];
  CHECK(kept_body.read(one).second.text() == "http: invalid Read on closed Body");
}

FIBER_TEST("http serving: a form's files are gone when its handler has returned, though the connection stays") {
  const auto temporary = [] {
    int n = 0;
    for (const auto& e : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      n += std::filesystem::read_symlink(e.path(), gone).string().find("/multipart-") != std::string::npos ? 1 : 0;
    }
    return n;
  };
  served s([&](http::response_writer& w, http::request& r) {
    CHECK(r.parse_multipart_form(0) == nil);
    CHECK(temporary() > 0);
    w.write("x");
  });
  s.start();
  const std::string body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" +
                           std::string(100'000, 'x') + "\r\n--b--\r\n";
  const net::conn c = s.dial();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(support::read_n(c, 4) == "HTTP");
  CHECK(temporary() == 0);
  c.close();
}

FIBER_TEST("http serving: a handler may take what is in its request, and a copy outlives it") {
  std::shared_ptr<http::request> taken;
  served s([&](http::response_writer& w, http::request& r) {
    taken = std::make_shared<http::request>(std::move(r));
    CHECK(r.context().err() == nil);
    r.method = "GET";
    w.write("x");
  });
  s.start();
  CHECK(support::without_date(ask(s, "HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
            .ends_with("close\r\n\r\n"));
  s.stop();
  CHECK(taken->url.path == "/a");
  CHECK(taken->context().err() == context::canceled);
}

FIBER_TEST("http serving: what of a body is dropped nobody reads, nor what comes behind it") {
  const auto why = make_chan<std::string>(1);
  served s([&](http::response_writer& w, http::request& r) {
    if (r.method == "GET") {
      w.write("next");
      return;
    }
    char piece[4096];
    CHECK(r.body.read(piece).second == nil);
    w.write(std::string(3000, 'x'));
    why << r.body.read(piece).second.text();
  });
  s.start();
  for (const std::string_view framing :
       {"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"}) {
    const net::conn c = s.dial();
    c.write("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(framing) + std::string(100'000, 'b') +
            (framing.starts_with("T") ? "\r\n0\r\n\r\n" : "") + std::string(get));
    CHECK(support::read_to_end(c).ends_with("next"));
    CHECK(*why == "http: invalid Read on closed Body");
    c.close();
  }
}

FIBER_TEST("http serving: a body that another fiber reads while the answer begins") {
  served s([](http::response_writer& w, http::request& r) {
    sync::wait_group reader;
    reader.go([body = r.body] {
      char piece[100];
      while (!body.read(piece).second) {
        runtime::gosched();
      }
    });
    w.write(std::string(3000, 'x'));
    reader.wait();
  });
  s.start();
  const net::conn c = s.dial();
  for (int i = 0; i < support::scale(100); ++i) {
    c.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'b'));
    c.write("\r\n3e8\r\n" + std::string(1000, 'c') + "\r\n0\r\n\r\n");
    support::read_until(c, "\r\n0\r\n\r\n");
  }
  c.close();
}

FIBER_TEST("http serving: nobody reads from a connection that was taken over, nor waits for it") {
  chan<void> go_on = make_chan<void>();
  chan<void> taken = make_chan<void>(1);
  served s([&](http::response_writer& w, http::request& r) {
    auto [c, err] = w.hijack();
    const context::context ctx = r.context();
    CHECK(support::read_n(c, 5) == "hello");
    taken << unit{};
    *go_on;
    c.write("still here");
    c.close();
  });
  s.start();
  const net::conn c = s.dial();
  c.write(kept);
  c.write("hello");
  *taken;
  s.stop();
  CHECK(s.srv.close() == nil);
  close(go_on);
  CHECK(support::read_to_end(c) == "still here");
  c.close();
}

FIBER_TEST("http serving: nothing of a request is left to the next: host, close") {
  std::string hosts;
  served s([&](http::response_writer&, http::request& r) {
    hosts += r.host + ";";
    r.close = false;
  });
  s.start();
  ask(s, "GET / HTTP/1.0\r\nHost: secret\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\nConnection: close\r\n\r\n");
  // The client's word counts, whatever the handler makes of it.
  CHECK(ask(s, get).find("Connection: close\r\n") != std::string::npos);
  s.stop();
  CHECK(hosts == "secret;;a;");
}

FIBER_TEST("http serving: a request that has only begun does not keep a shutdown waiting") {
  served s([](http::response_writer& w, http::request&) { w.write("x"); });
  s.start();
  const net::conn c = s.dial();
  c.write(kept);
  CHECK(support::read_n(c, 4) == "HTTP");
  c.write("G");
  runtime::gosched();
  s.stop();
  c.close();
}

FIBER_TEST("http serving: a write that fails ends the context") {
  std::atomic<bool> ended = false;
  served s([&](http::response_writer& w, http::request& r) {
    const context::context ctx = r.context();
    const std::string piece(100'000, 'x');
    gossamer::error err;
    while (!err) {
      err = w.write(piece).second;
    }
    *ctx.done();
    ended = true;
  });
  s.srv.write_timeout = 30ms;
  s.start();
  const net::conn c = s.dial();
  c.write(kept);
  CHECK(eventually([&] { return ended.load(); }));
  c.close();
}

FIBER_TEST("http serving: a hook that panics costs its connection alone") {
  std::atomic<int> calls = 0;
  served s([](http::response_writer& w, http::request&) { w.write("x"); });
  s.srv.conn_context = [&](const context::context& c, const net::conn&) {
    if (calls++ == 0) {
      panic("no context");
    }
    return c;
  };
  s.start();
  CHECK(ask(s, get).empty());
  CHECK(s.log().find(": no context") != std::string::npos);
  CHECK(ask(s, get).ends_with("x"));
}

FIBER_TEST("http serving: an answer that is complete does not wait for the pipelined request behind it") {
  chan<void> go_on = make_chan<void>();
  served s([&](http::response_writer& w, http::request& r) {
    if (r.url.path == "/slow") {
      *go_on;
    }
    w.write(r.url.path);
  });
  s.start();
  const net::conn c = s.dial();
  c.write(
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n"
      "Connection: close\r\n\r\n");
  const std::string got = support::read_until(c, "\r\n\r\n/b");
  CHECK(got.find("\r\n\r\n/a") != std::string::npos);
  close(go_on);
  CHECK(support::read_to_end(c).ends_with("/slow"));
  c.close();
}

FIBER_TEST("http serving: many pipelined answers of all sizes keep their order, to a client that reads late") {
  served s([&](http::response_writer& w, http::request& r) {
    std::size_t size = 0;  // not by std::stoul: that writes errno, which to the thread sanitizer all fibers share
    std::from_chars(r.url.path.data() + 1, r.url.path.data() + r.url.path.size(), size);
    w.write(std::string(size, static_cast<char>('a' + size % 26)));
  });
  s.start();
  const net::conn c = s.dial();
  std::string all;
  std::string wanted;
  std::uint32_t seed = 7;
  for (int i = 0; i < 300; ++i) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t size = (seed >> 8) % (i % 10 == 0 ? 20'000 : 300);
    all += "GET /" + std::to_string(size) + " HTTP/1.1\r\nHost: a\r\n" + (i == 299 ? "Connection: close\r\n" : "") +
           "\r\n";
    wanted += std::string(size, static_cast<char>('a' + size % 26));
  }
  support::crew writer;
  writer.go([&] { CHECK(c.write(all).second == nil); });
  runtime::gosched();
  c.set_read_deadline(std::chrono::steady_clock::now() + support::patience);
  support::http_answers answers(c);
  std::string bodies;
  for (int i = 0; i < 300 && answers.next(); ++i) {
    bodies += answers.body;
  }
  CHECK((bodies == wanted));
  writer.join();
  c.close();
}

FIBER_TEST("http serving: it works over connections in memory, and ones of the user's own") {
  class one_listener final : public net::listener_interface {
   public:
    explicit one_listener(chan<net::conn> from) : from_(std::move(from)) {}
    std::pair<net::conn, gossamer::error> accept(const net::ending&, std::source_location) override {
      const std::optional<net::conn> c = from_.recv();
      return c ? std::pair(*c, gossamer::error()) : std::pair(net::conn(), gossamer::error(net::closed));
    }
    gossamer::error close() override {
      if (!closed_.exchange(true)) {
        gossamer::close(from_);
      }
      return nullptr;
    }
    gossamer::error set_deadline(net::time_point) override { return nullptr; }
    net::addr addr() const override { return nullptr; }

   private:
    chan<net::conn> from_;
    std::atomic<bool> closed_ = false;
  };
  chan<net::conn> conns = make_chan<net::conn>(1);
  const net::listener on(new one_listener(conns));
  http::server srv("", [](http::response_writer& w, http::request& r) { w.write(r.remote_addr); });
  support::crew serves;
  serves.go([&] { CHECK(srv.serve(on) == http::server_closed); });
  auto [a, b] = net::pipe();
  conns << b;
  a.write(get);
  CHECK(support::read_to_end(a).ends_with("pipe"));
  a.close();
  CHECK(srv.shutdown(context::background()) == nil);
  serves.join();
}

FIBER_TEST(
    "http serving: what io::copy sends begins with the source's first bytes, and a source that fails leaves the "
    "status") {
  served s([](http::response_writer& w, http::request& r) {
    if (r.url.path == "/echo") {
      io::copy(&w, r.body);
      return;
    }
    struct failing {
      io::result read(std::span<std::byte>) { return {0, errors::make("no")}; }
    };
    const auto [n, err] = io::copy(&w, failing());
    CHECK(n == 0);
    http::error(w, err.text(), http::status_internal_server_error);
  });
  s.start();
  const net::conn c = s.dial();
  c.write("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
  CHECK(support::read_until(c, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  const std::string body(2000, 'x');
  c.write(body);
  CHECK(support::read_until(c, body).starts_with("HTTP/1.1 200 OK\r\n"));
  c.write("GET /failing HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string refused = support::read_until(c, "no\n");
  CHECK(refused.find("HTTP/1.1 500 Internal Server Error\r\n") != std::string::npos);
  c.close();
}

FIBER_TEST("http serving: a body that is read after the answer has begun, and no 100 was sent, is closed") {
  std::atomic<int> closed = 0;
  served s([&](http::response_writer& w, http::request& r) {
    w.write_header(http::status_ok);
    w.write("x");
    const auto [body, err] = io::read_all(r.body);
    closed += body.empty() && err.text() == "http: invalid Read on closed Body" ? 1 : 0;
  });
  s.start();
  const std::string got = ask(s, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(got.find("Connection: close\r\n") != std::string::npos);
  CHECK(got.ends_with("\r\n\r\nx"));
  s.stop();
  CHECK(closed == 1);
}

FIBER_TEST("http serving: a handler that sends 100 itself may go on to read the body") {
  served s([](http::response_writer& w, http::request& r) {
    w.write_header(http::status_continue);
    w.write_header(http::status_ok);
    CHECK(io::read_all(r.body).first.size() == 2);
  });
  s.start();
  const net::conn c = s.dial();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(support::read_until(c, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  c.write("ab");
  CHECK(support::read_until(c, "\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  c.close();
}

FIBER_TEST("http serving: a handler's own transfer coding is sent beside chunked, and without a length") {
  served s([](http::response_writer& w, http::request& r) {
    w.header().set("Transfer-Encoding", r.url.path.substr(1));
    if (r.url.raw_query == "length") {
      w.header().set("Content-Length", "1");
    }
    w.write("x");
  });
  s.start();
  const auto asked = [&](const std::string& target) {
    return ask(s, "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  };
  for (const char* target : {"/gzip", "/gzip?length"}) {
    const std::string got = asked(target);
    CHECK(got.find("\r\nTransfer-Encoding: gzip\r\n") != std::string::npos);
    CHECK(got.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(got.find("Content-Length") == std::string::npos);
    CHECK(got.ends_with("\r\n\r\n1\r\nx\r\n0\r\n\r\n"));
  }
  const std::string chunked = asked("/chunked");
  CHECK(chunked.find("Transfer-Encoding: chunked\r\n") == chunked.rfind("Transfer-Encoding: chunked\r\n"));
  CHECK(chunked.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  const std::string identity = asked("/identity");
  CHECK(identity.find("Transfer-Encoding") == std::string::npos);
  CHECK(identity.ends_with("\r\n\r\nx"));
}

FIBER_TEST("http serving: up to four line ends behind a post are skipped, and none behind anything else") {
  served s([](http::response_writer& w, http::request& r) { w.write(r.method); });
  s.start();
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const auto twice = [&](const std::string& first, const std::string& between) {
    const std::string got = ask(s, first + between + std::string(get));
    return got.find("HTTP/1.1 400 ") == std::string::npos;
  };
  CHECK(twice(post, ""));
  CHECK(twice(post, "\r\n"));
  CHECK(twice(post, "\r\n\n\n"));
  CHECK_FALSE(twice(post, "\r\n\r\n\r\n"));
  CHECK_FALSE(twice(std::string(kept), "\r\n"));
  // In pieces, too.
  const net::conn c = s.dial();
  c.write(post + "\r");
  support::read_until(c, "POST");
  c.write("\n" + std::string(get));
  CHECK(support::read_until(c, "GET").find("HTTP/1.1 200 OK") != std::string::npos);
  c.close();
}

FIBER_TEST("http serving: Pragma: no-cache is a Cache-Control, unless there is one") {
  served s([](http::response_writer& w, http::request& r) {
    w.write("[" + std::string(r.header.get("Cache-Control")) + "]");
  });
  s.start();
  const auto asked = [&](const std::string& fields) {
    const std::string got = ask(s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n");
    return got.substr(got.rfind('['));
  };
  CHECK(asked("Pragma: no-cache\r\n") == "[no-cache]");
  CHECK(asked("Pragma: no-cache\r\nCache-Control: max-age=1\r\n") == "[max-age=1]");
  CHECK(asked("Pragma: other\r\n") == "[]");
}

FIBER_TEST("http serving: an answer to CONNECT has no length, and after too long a write none is taken") {
  served s([](http::response_writer& w, http::request& r) {
    w.header().set("Content-Length", "5");
    if (r.method == "CONNECT") {
      w.write("12345");
      return;
    }
    CHECK(w.write("123456").second == http::content_length_exceeded);
    CHECK(w.write("12345").second == http::content_length_exceeded);
  });
  s.start();
  const std::string tunnel = ask(s, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  CHECK(tunnel.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(tunnel.find("Content-Length") == std::string::npos);
  CHECK(ask(s, get).ends_with("\r\n\r\n"));
}

FIBER_TEST("http serving: a time-out below zero is none, whatever reading may take") {
  served s([](http::response_writer& w, http::request&) { w.write("."); });
  s.srv.read_header_timeout = 1h;  // the first head may take as long as the machine does
  s.srv.read_timeout = 30ms;
  s.srv.idle_timeout = -1ns;
  s.start();
  const net::conn c = s.dial();
  for (int i = 0; i < 2; ++i) {
    c.write(kept);
    CHECK(support::read_until(c, "\r\n\r\n.").starts_with("HTTP/1.1 200 OK\r\n"));
    time::sleep(100ms);
  }
  c.close();
}

FIBER_TEST("http serving: a connection on which a part of a request came was active") {
  std::mutex guard;
  std::vector<http::conn_state> states;
  served s(nullptr);
  s.srv.conn_state = [&](const net::conn&, http::conn_state state) {
    const std::scoped_lock hold(guard);
    states.push_back(state);
  };
  s.start();
  const net::conn c = s.dial();
  c.write("GET / HT");
  c.close();
  CHECK(eventually([&] {
    const std::scoped_lock hold(guard);
    return states.size() == 3;
  }));
  s.stop();
  CHECK(states == std::vector{http::conn_state::created, http::conn_state::active, http::conn_state::closed});
}

FIBER_TEST("http serving: io::copy beside a transfer coding and a length of the handler's own is chunked to its end") {
  const std::string body(5000, 'x');
  served s([&](http::response_writer& w, http::request& r) {
    w.header() = {{"Transfer-Encoding", "gzip"}, {"Content-Type", "x/y"}, {"Content-Length", "5000"}};
    if (r.url.path == "/begun") {
      w.write_header(http::status_ok);
    }
    io::string_reader from(body);
    CHECK(io::copy(&w, &from).first == 5000);
  });
  s.start();
  for (const char* path : {"/", "/begun"}) {
    const std::string got = ask(s, std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(got.find("Content-Length") == std::string::npos);
    std::size_t at = got.find("\r\n\r\n") + 4;
    std::size_t total = 0;
    for (;;) {
      std::size_t size = 0;
      std::from_chars(got.data() + at, got.data() + got.size(), size, 16);
      at = got.find("\r\n", at) + 2 + size + 2;
      total += size;
      if (size == 0 || at >= got.size()) {
        break;
      }
    }
    CHECK(total == 5000);
    CHECK(at == got.size());
  }
}

FIBER_TEST("http serving: a line end behind a post leaves the connection idle") {
  served s([](http::response_writer& w, http::request&) { w.write("."); });
  s.srv.read_header_timeout = 50ms;
  s.srv.idle_timeout = 1h;
  s.start();
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const auto answered = [&](const std::string& text) {
    for (;;) {
      const net::conn c = s.dial();
      c.write(text);
      if (support::http_answers(c).next()) {
        return c;
      }
      c.close();  // the text came too late
    }
  };
  const net::conn at_once = answered(post + "\r\n");
  const net::conn later = answered(post);
  later.write("\r\n");
  time::sleep(150ms);
  for (const net::conn& c : {at_once, later}) {
    c.write(kept);
    CHECK(support::read_until(c, "\r\n\r\n.").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  at_once.write(post + "\r\n");
  support::read_until(at_once, "\r\n\r\n.");
  s.stop();  // waits for none
  at_once.close();
  later.close();
}

FIBER_TEST("http serving: a field's blanks and line ends at its ends are left out, those inside are blanks") {
  served s([](http::response_writer& w, http::request&) {
    w.header() = {{"X-A", " \ta\r\nb\r\n"}, {"X-B", "\r\n"}};
    w.header().set("Trailer", "Proxy-Authorization, Realm, X-T");
    w.write(".");
    w.header().set("Proxy-Authorization", "1");
    w.header().set("Realm", "1");
    w.header().set("X-T", "1");
  });
  s.start();
  const std::string got = ask(s, get);
  CHECK(got.find("\r\nX-A: a  b\r\n") != std::string::npos);
  CHECK(got.find("\r\nX-B: \r\n") != std::string::npos);
  CHECK(got.ends_with("0\r\nX-T: 1\r\n\r\n"));
}

FIBER_TEST("http server: close() and shutdown() end although the server is destroyed as soon as serve() returns") {
  for (int i = 0; i < support::scale(200); ++i) {
    auto s = std::make_unique<http::server>();
    const auto [on, err] = net::listen("tcp", "127.0.0.1:0");
    REQUIRE(!err);
    sync::wait_group ended;
    ended.go([by = s.get(), at_once = i % 2 == 0] {
      CHECK(!(at_once ? by->close() : by->shutdown(context::background())));
    });
    CHECK(s->serve(on) == http::server_closed);
    s.reset();
    ended.wait();
  }
}
