// server_lifecycle: the server and its shutdown are tasks of one group. A signal ends both, and so does a server that
// fails; what is under way gets ten seconds.
// Pattern: http.Server with errgroup and signal.NotifyContext, as in many Go services.
//
//   $ tools/dev run server_lifecycle
//   the server says hello
//   shutting down: terminated signal received
//   ended well
#include <gossamer/gossamer.hpp>

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <string>

using namespace gossamer;

inline constinit const errors::sentinel server_closed{"server closed"};

// Has what matters here of a server: a call that serves, and one that makes it end.
class server {
 public:
  error serve() {
    defer d1{[&] { close(over_); }};
    for (;;) {
      chan<std::string> reply;
      if (select(recv(requests_, reply), recv(stopping_)) == 1) return server_closed;
      reply << "hello";
    }
  }
  error shutdown(const context::context& ctx) {
    close(stopping_);
    return over_.recv_until(ctx) == channel_status::ended ? ctx.err() : nil;
  }
  std::string get() {
    auto reply = make_chan<std::string>(1);
    requests_ << reply;
    return *reply;
  }

 private:
  chan<chan<std::string>> requests_ = make_chan<chan<std::string>>();
  chan<void> stopping_ = make_chan<void>(), over_ = make_chan<void>();
};

int main() {
  return run([] {
    auto [root, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
    defer d1{stop};

    server srv;
    auto [g, ctx] = errgroup::with_context(root);
    g.go([&srv]() -> error {
      error err = srv.serve();
      return err == server_closed ? nil : err;
    });
    g.go([&srv, c = ctx]() -> error {
      c.done().recv();  // a signal, or the server has failed
      std::printf("shutting down: %s\n", context::cause(c).text().c_str());
      // A context of its own: that one is cancelled.
      auto [patience, cancel] = context::with_timeout(context::background(), 10s);
      defer d2{cancel};
      return srv.shutdown(patience);
    });

    std::printf("the server says %s\n", srv.get().c_str());
    ::kill(::getpid(), SIGTERM);  // in the place of `kill PID`
    error err = g.wait();
    std::printf("ended %s\n", err ? err.text().c_str() : "well");
  });
}
