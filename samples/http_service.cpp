// http_service: notes in JSON. Middleware logs each request, and makes a 500 of a handler's panic; a signal ends the
// server in order: requests in flight are answered, new ones refused. /debug/fibers shows the fibers live.
//
//   $ tools/dev run http_service --addr 127.0.0.1:8080
//   listening on 127.0.0.1:8080
//   shutting down: * signal received
//   served * requests
//
// While it runs:
//   $ curl -d '{"text": "buy milk"}' http://127.0.0.1:8080/notes
//   {"id":1,"text":"buy milk"}
//   $ curl http://127.0.0.1:8080/notes/1
//   {"id":1,"text":"buy milk"}
//   $ curl 'http://127.0.0.1:8080/debug/pprof/goroutine?debug=1'
//   goroutine profile: total 4
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/http/json.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flags.hpp"

using namespace gossamer;

namespace {

// ---- notes ----

struct note {
  std::int64_t id = 0;
  std::string text;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& to, const note& n) {
  to = {{"id", n.id}, {"text", n.text}};
}

// All of them; handlers use it at the same time.
class notebook {
 public:
  note add(std::string text) {
    std::scoped_lock lock(mu_);
    const std::int64_t id = ++last_;
    return notes_[id] = {id, std::move(text)};
  }
  std::optional<note> find(std::int64_t id) const {
    std::scoped_lock lock(mu_);
    const auto at = notes_.find(id);
    return at == notes_.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<note> replace(std::int64_t id, std::string text) {
    std::scoped_lock lock(mu_);
    const auto at = notes_.find(id);
    if (at == notes_.end()) return std::nullopt;
    at->second.text = std::move(text);
    return at->second;
  }
  bool remove(std::int64_t id) {
    std::scoped_lock lock(mu_);
    return notes_.erase(id) == 1;
  }
  std::vector<note> all() const {
    std::scoped_lock lock(mu_);
    std::vector<note> list;
    for (auto& [_, n] : notes_) list.push_back(n);
    return list;
  }

 private:
  mutable sync::mutex mu_;
  // Guarded by mu_.
  std::map<std::int64_t, note> notes_;
  std::int64_t last_ = 0;
};

// ---- handlers ----

void fail(http::response_writer& w, std::string_view why, int status) { http::json(w, {{"error", why}}, status); }

// The {id} of the path.
std::optional<std::int64_t> id_of(const http::request& r) {
  const std::string_view text = r.path_value("id");
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(id) : std::nullopt;
}

// The text of {"text": "..."}, or an answer that says what is wrong.
std::optional<std::string> text_of(http::response_writer& w, http::request& r) {
  auto [v, err] = http::read_json(r, 64 << 10);
  if (errors::as<http::max_bytes_error>(err)) {
    fail(w, "a note has 64 KiB at most", http::status_request_entity_too_large);
    return std::nullopt;
  }
  const boost::json::value* text = v.is_object() ? v.get_object().if_contains("text") : nullptr;
  if (err || text == nullptr || !text->is_string()) {
    fail(w, err ? err.text() : "there is no text", http::status_bad_request);
    return std::nullopt;
  }
  return std::string(text->get_string());
}

void answer(http::response_writer& w, const std::optional<note>& n) {
  if (n) {
    http::json(w, *n);
  } else {
    fail(w, "there is no such note", http::status_not_found);
  }
}

http::serve_mux routes(notebook& notes) {
  http::serve_mux mux;
  mux.handle_func("GET /notes", [&](http::response_writer& w, http::request&) { http::json(w, notes.all()); });
  mux.handle_func("POST /notes", [&](http::response_writer& w, http::request& r) {
    auto text = text_of(w, r);
    if (!text) return;
    const note added = notes.add(std::move(*text));
    w.header().set("Location", "/notes/" + std::to_string(added.id));
    http::json(w, added, http::status_created);
  });
  mux.handle_func("GET /notes/{id}", [&](http::response_writer& w, http::request& r) {
    const auto id = id_of(r);
    answer(w, id ? notes.find(*id) : std::nullopt);
  });
  mux.handle_func("PUT /notes/{id}", [&](http::response_writer& w, http::request& r) {
    const auto id = id_of(r);
    auto text = text_of(w, r);
    if (text) answer(w, id ? notes.replace(*id, std::move(*text)) : std::nullopt);
  });
  mux.handle_func("DELETE /notes/{id}", [&](http::response_writer& w, http::request& r) {
    const auto id = id_of(r);
    if (!id || !notes.remove(*id)) return answer(w, std::nullopt);
    w.write_header(http::status_no_content);
  });
  mux.handle_func("GET /crash", [](http::response_writer&, http::request&) { panic("as you wish"); });
  http::pprof::handle(mux);  // /debug/pprof/, /debug/fibers and /metrics, for this machine only
  return mux;
}

// ---- middleware ----

// Passes on to another, and remembers what was sent.
class watched final : public http::response_writer {
 public:
  explicit watched(http::response_writer& w) : to_(w) {}
  int status() const { return status_; }  // 0: nothing yet
  std::size_t bytes() const { return bytes_; }

  http::header& header() override { return to_.header(); }
  // Here a response_controller finds what this one does not do: flush, deadlines, hijack.
  http::response_writer* unwrap() override { return &to_; }

 private:
  io::result write_bytes(std::span<const std::byte> from) override {
    if (status_ == 0) status_ = http::status_ok;
    auto written = write_bytes_of(to_, from);
    bytes_ += written.first;
    return written;
  }
  void write_status(int status, here where) override {
    if (status_ == 0 && status >= 200) status_ = status;
    to_.write_header(status, where);
  }

  http::response_writer& to_;
  int status_ = 0;
  std::size_t bytes_ = 0;
};

// In one write, so that lines of several fibers do not mix.
void log(const std::string& line) { std::cerr << "http_service: " + line + "\n"; }

// A line for each request. A request's target has no control characters: a client cannot make a line of its own.
http::handler logged(http::handler next, std::atomic<long>& served) {
  return [next, &served](http::response_writer& w, http::request& r) {
    const auto start = time::now();
    watched seen(w);
    next(seen, r);
    ++served;
    const int status = seen.status() == 0 ? http::status_ok : seen.status();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(time::now() - start);
    log(r.method + " " + r.request_uri + " " + std::to_string(status) + " " + std::to_string(seen.bytes()) + " bytes " +
        std::to_string(took.count()) + " us");
  };
}

// An answer instead of a connection that is cut, as long as nothing was sent.
http::handler panic_safe(http::handler next) {
  return [next](http::response_writer& w, http::request& r) {
    watched seen(w);
    try {
      next(seen, r);
    } catch (const std::exception& e) {
      if (seen.status() != 0) throw;
      log(std::string("panic: ") + e.what());
      fail(w, "it is not you, it is us", http::status_internal_server_error);
    }
  };
}

// ---- the server ----

int serve(const std::string& addr) {
  auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
  defer d1{stop};
  auto [l, err] = net::listen("tcp", addr);
  if (err) {
    std::cerr << "http_service: " << err << '\n';
    return 1;
  }
  std::cout << "listening on " << l.addr().text() << std::endl;

  notebook notes;
  std::atomic<long> served = 0;
  http::server server;
  server.handler = logged(panic_safe(routes(notes)), served);
  server.read_header_timeout = 5s;
  server.idle_timeout = 60s;
  auto ended = make_chan<error>(1);
  go([&, l = l] { ended << server.serve(l); });

  if (select(recv(ended, err), recv(ctx.done())) == 0) {
    std::cerr << "http_service: " << err << '\n';
    return 1;
  }
  std::cout << "shutting down: " << context::cause(ctx) << std::endl;
  stop();  // who cannot wait sends the signal again
  auto [patience, cancel] = context::with_timeout(context::background(), 10s);
  defer d2{cancel};
  err = server.shutdown(patience);
  *ended;
  std::cout << "served " << served << " requests" << std::endl;
  if (err) {
    std::cerr << "http_service: requests are cut off: " << err << '\n';
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:8080";
  std::optional<int> workers;  // as many as there are CPUs
  if (!parse_flags(argc, argv, {{"--addr", &addr}, {"--workers", &workers}})) {
    std::cerr << "usage: http_service [--addr HOST:PORT] [--workers N]\n";
    return 1;
  }
  return run([&] { return serve(addr); }, {.procs = workers});
}
