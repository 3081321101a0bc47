// websocket_chat: a page on which everybody sees what everybody says. Each guest has a fiber that reads and one that
// writes; between them lies a channel of bounded size, so that who does not take what the others say is closed, with
// status 1008, and holds nobody up. A signal ends it in order: guests are told that the server goes away.
// To look at it: a browser at http://127.0.0.1:8080/
//
//   $ tools/dev run websocket_chat --addr 127.0.0.1:8080
//   listening on 127.0.0.1:8080
//   ended: * guests
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/net.hpp>
#include <gossamer/ws.hpp>

#include <csignal>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "flags.hpp"

using namespace gossamer;

namespace {

constexpr std::size_t most_lines = 64;  // that wait for one guest
constexpr std::int64_t longest_line = 1024;

constexpr std::string_view page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>chat</title>
<ul id="lines"></ul>
<form id="form"><input id="text" autocomplete="off" autofocus></form>
<script>
const show = line => document.getElementById("lines").appendChild(document.createElement("li")).textContent = line;
const socket = new WebSocket(`ws://${location.host}/chat`);
socket.onmessage = event => show(event.data);
socket.onclose = event => show(`closed: ${event.code} ${event.reason}`);
document.getElementById("form").onsubmit = event => {
  event.preventDefault();
  socket.send(document.getElementById("text").value);
  document.getElementById("text").value = "";
};
</script></html>
)";

using lines = chan<std::string>;

// Who is there. Handlers use it at the same time.
class guests {
 public:
  // No more are let in once it is closed.
  bool enter(const std::shared_ptr<lines>& g) {
    std::scoped_lock lock(mu_);
    if (!closed_) all_.insert(g);
    count_ += closed_ ? 0 : 1;
    return !closed_;
  }
  void leave(const std::shared_ptr<lines>& g) {
    std::scoped_lock lock(mu_);
    if (all_.erase(g) == 1) close(*g);
  }
  // Who has no room for the line has to go.
  void tell_all(const std::string& line) {
    std::scoped_lock lock(mu_);
    std::erase_if(all_, [&](const std::shared_ptr<lines>& g) {
      bool is_full = false;
      select(send(*g, line), otherwise([&] { is_full = true; }));
      if (is_full) close(*g);
      return is_full;
    });
  }
  void close_all() {
    std::scoped_lock lock(mu_);
    closed_ = true;
    for (const auto& g : std::exchange(all_, {})) close(*g);
  }
  bool is_closed() {
    std::scoped_lock lock(mu_);
    return closed_;
  }
  int count() {
    std::scoped_lock lock(mu_);
    return count_;
  }

 private:
  sync::mutex mu_;
  // Under mu_.
  std::set<std::shared_ptr<lines>> all_;
  bool closed_ = false;
  int count_ = 0;
};

// Until there is nothing more to say to the guest.
void write_lines(const ws::conn& c, const lines& from, guests& all) {
  for (;;) {
    auto line = from.recv();
    if (!line) break;
    auto [ctx, cancel] = context::with_timeout(context::background(), 10s);
    defer d1{cancel};
    if (c.write(ctx, ws::message_type::text, *line)) break;
  }
  if (all.is_closed()) {
    c.close(ws::status_code::going_away, "the server goes away");
  } else {
    c.close(ws::status_code::policy_violation, "you read too slowly");
  }
}

void serve_guest(http::response_writer& w, http::request& r, guests& all, sync::wait_group& at_work) {
  at_work.add(1);  // while the server still waits for the handler: it does not once the connection is taken over
  defer d1{[&] { at_work.done(); }};
  auto [c, err] = ws::accept(w, r);
  if (err) return;
  c.set_read_limit(longest_line);
  const auto own = std::make_shared<lines>(make_chan<std::string>(most_lines));
  if (!all.enter(own)) {
    c.close(ws::status_code::going_away, "the server goes away");
    return;
  }
  sync::wait_group writer;
  writer.go([&c = c, own, &all] { write_lines(c, *own, all); });
  for (;;) {
    auto [type, text, read_err] = c.read();
    if (read_err) break;
    all.tell_all(text);
  }
  all.leave(own);
  writer.wait();
}

int serve(const std::string& addr) {
  auto [l, err] = net::listen("tcp", addr);
  if (err) {
    std::cerr << "websocket_chat: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr() << std::endl;

  guests all;
  sync::wait_group at_work;  // connections that were taken over are none of the server's
  http::serve_mux mux;
  mux.handle_func("GET /{$}", [](http::response_writer& w, http::request&) {
    w.header().set("Content-Type", "text/html; charset=utf-8");
    w.write(page);
  });
  mux.handle_func("/chat", [&](http::response_writer& w, http::request& r) { serve_guest(w, r, all, at_work); });
  http::server srv;
  srv.handler = &mux;

  auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
  defer d1{stop};
  sync::wait_group serving;
  serving.go([&srv, l = l] { srv.serve(l); });
  ctx.done().recv();
  all.close_all();
  auto [patience, cancel] = context::with_timeout(context::background(), 5s);
  defer d2{cancel};
  srv.shutdown(patience);
  at_work.wait();
  serving.wait();
  std::cout << "ended: " << all.count() << " guests" << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:8080";
  std::optional<int> workers;  // as many as there are CPUs
  if (!parse_flags(argc, argv, {{"--addr", &addr}, {"--workers", &workers}})) {
    std::cerr << "usage: websocket_chat [--addr HOST:PORT] [--workers N]\n";
    return 1;
  }
  return run([&] { return serve(addr); }, {.procs = workers});
}
