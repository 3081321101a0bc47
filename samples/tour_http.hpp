// tour_http: the part of tour that serves HTTP: a service in JSON, a look at it by its debug page, and its end in
// order.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/http/json.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <mutex>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

using namespace gossamer;

// Adds up what it is sent: [1, 2, 3] is answered with {"sum":6}. With the debug pages beside it.
class sum_service {
 public:
  explicit sum_service(const net::listener& l) {
    http::serve_mux mux;
    mux.handle_func("POST /sum", [](http::response_writer& w, http::request& r) {
      auto [numbers, err] = http::read_json_as<std::vector<int>>(r);
      if (err) return http::error(w, err.text(), http::status_bad_request);
      http::json(w, {{"sum", std::accumulate(numbers.begin(), numbers.end(), 0)}});
    });
    http::pprof::handle(mux);
    server_.handler = mux;
    serving_.go([this, l] { ended_ = server_.serve(l); });
  }
  sum_service(const sum_service&) = delete;
  sum_service& operator=(const sum_service&) = delete;
  // What serve() has returned, once all requests are answered.
  error shut_down() {
    error late = server_.shutdown(context::background());
    serving_.wait();
    return late ? late : ended_;
  }

 private:
  http::server server_;
  sync::wait_group serving_;
  error ended_;
};

// A connection that is kept, in the place of a client.
class asker {
 public:
  explicit asker(const net::listener& l) : conn_(net::dial("tcp", l.addr().text()).first), in_(conn_) {}
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;
  ~asker() { conn_.close(); }

  // The answer's body; empty if anything is wrong.
  std::string ask(const std::string& what, const std::string& body = "") {
    conn_.write(what + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
    std::size_t length = 0;
    for (;;) {
      auto [line, err] = in_.read_line();
      if (err) return "";
      if (line.empty()) break;
      constexpr std::string_view field = "Content-Length: ";
      if (line.starts_with(field)) std::from_chars(line.data() + field.size(), line.data() + line.size(), length);
    }
    std::string answer(length, ' ');
    return io::read_full(&in_, answer).second ? "" : answer;
  }

 private:
  net::conn conn_;
  io::buffered_reader in_;
};

// The first line of a page, asked for as HTTP/1.0 does: the end of the connection is that of the page.
inline std::string first_line(const net::listener& l, const std::string& path) {
  auto [c, err] = net::dial("tcp", l.addr().text());
  defer d1{[c = c] { c.close(); }};
  if (!err) c.write("GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  auto [answer, failed] = io::read_all(c);
  const std::size_t page = answer.find("\r\n\r\n");
  return page == std::string::npos ? "" : answer.substr(page + 4, answer.find('\n', page + 4) - page - 4);
}

// Fifty clients at the same time; then what the debug page says of the fibers; then the server's end.
// False if something is wrong.
inline bool tour_http() {
  constexpr int clients = 50, times = 100;
  auto [l, err] = net::listen("tcp", "127.0.0.1:0");
  if (err) {
    std::fprintf(stderr, "tour: %s\n", err.text().c_str());
    return false;
  }
  sum_service service(l);
  const auto start = std::chrono::steady_clock::now();
  std::atomic<int> right = 0;
  sync::wait_group finished;
  for (int i = 0; i < clients; ++i) {
    finished.go([&, &l = l, i] {
      asker of(l);
      const std::string question = "[" + std::to_string(i) + ", 20, 22]";
      const std::string answer = "{\"sum\":" + std::to_string(i + 42) + "}\n";
      for (int k = 0; k < times; ++k) right += of.ask("POST /sum", question) == answer ? 1 : 0;
    });
  }
  finished.wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("HTTP: %d clients, %d sums in JSON in %.2f s: %.0f a second\n", clients, right.load(), took.count(),
              right / took.count());

  const std::string seen = first_line(l, "/debug/pprof/goroutine?debug=1");
  std::printf("its debug page: %s\n", seen.c_str());
  err = service.shut_down();
  std::printf("shut down: %s\n", err.text().c_str());
  return right == clients * times && seen.starts_with("goroutine profile: total ") &&
         errors::is(err, http::server_closed);
}
