// server_group: an HTTP server, the worker of its queue, and the signal that ends both, in one errgroup. The first of
// them that fails ends the others. What was taken into the queue is done before the program ends.
//
//   $ tools/dev run server_group
//   POST /jobs/resize: 202 Accepted
//   POST /jobs/rotate: 202 Accepted
//   POST /jobs/: 404 Not Found
//   shutting down: terminated signal received
//   done: resize rotate
//   ended well
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

using namespace gossamer;

namespace {

// Takes a job, or says at once that there are too many.
http::handler jobs_page(send_chan<std::string> jobs) {
  http::serve_mux mux;
  mux.handle_func("POST /jobs/{name}", [jobs](http::response_writer& w, http::request& r) {
    switch (select(send(jobs, std::string(r.path_value("name"))), otherwise)) {
      case 0:
        w.write_header(http::status_accepted);
        break;
      default:
        w.header().set("Retry-After", "1");
        http::error(w, "the queue is full", http::status_service_unavailable);
    }
  });
  return mux;
}

// In the place of `curl -X POST`: the status of the answer.
std::string post(const std::string& to, const std::string& path) {
  auto [c, err] = net::dial("tcp", to);
  if (err) return err.text();
  defer d1{[c = c] { c.close(); }};
  c.write("POST " + path + " HTTP/1.0\r\n\r\n");
  auto [answer, failed] = io::read_all(c);
  const std::size_t status = answer.find(' ') + 1;
  return failed ? failed.text() : answer.substr(status, answer.find('\r') - status);
}

error serve(const context::context& root) {
  auto [l, err] = net::listen("tcp", "127.0.0.1:0");
  if (err) return err;
  auto jobs = make_chan<std::string>(16);
  std::string done;
  http::server server;
  server.handler = jobs_page(jobs);

  auto [g, ctx] = errgroup::with_context(root);
  g.go([&, l = l]() -> error {
    error ended = server.serve(l);
    return errors::is(ended, http::server_closed) ? nil : ended;
  });
  g.go([&] {
    for (const auto& job : jobs) done += " " + job;
  });
  g.go([&, ctx = ctx]() -> error {
    ctx.done().recv();  // a signal has come, or one of the others has failed
    std::printf("shutting down: %s\n", context::cause(ctx).text().c_str());
    // A context of its own: that one is cancelled.
    auto [patience, cancel] = context::with_timeout(context::background(), 10s);
    defer d1{cancel};
    error late = server.shutdown(patience);
    close(jobs);  // after the handlers, which send
    return late;
  });

  for (const char* path : {"/jobs/resize", "/jobs/rotate", "/jobs/"}) {
    std::printf("POST %s: %s\n", path, post(l.addr().text(), path).c_str());
  }
  ::kill(::getpid(), SIGTERM);  // in the place of `kill PID`
  err = g.wait();
  std::printf("done:%s\n", done.c_str());
  return err;
}

}  // namespace

int main() {
  return run([] {
    auto [root, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
    defer d1{stop};
    error err = serve(root);
    std::printf("ended %s\n", err ? err.text().c_str() : "well");
    return err ? 1 : 0;
  });
}
