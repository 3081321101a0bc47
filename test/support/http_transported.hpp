// http_transported: requests that are given to a transport, and servers that say what a test has written out.
#pragma once

#include <gossamer/http/test.hpp>
#include <gossamer/http/transport.hpp>
#include <gossamer/io.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "net_pair.hpp"

namespace support {

inline gossamer::http::request request_to(std::string_view url, std::string_view method = "GET",
                                          gossamer::context::context ctx = gossamer::context::background()) {
  gossamer::http::request r;
  auto [u, err] = gossamer::http::parse_url(url);
  CHECK(err == gossamer::nil);
  r.method = method;
  r.url = std::move(u);
  r.host = r.url.host;
  r.set_context(std::move(ctx));
  return r;
}

// With a body whose length is known, and that can be had again.
inline gossamer::http::request post_to(std::string_view url, std::string text) {
  gossamer::http::request r = request_to(url, "POST");
  const auto own = std::make_shared<const std::string>(std::move(text));
  r.content_length = static_cast<std::int64_t>(own->size());
  r.get_body = [own] {
    return std::pair(gossamer::io::nop_closer(std::make_shared<gossamer::io::string_reader>(*own)), gossamer::error());
  };
  r.body = r.get_body().first;
  return r;
}

// What came of it: the body, or the text of what went wrong, with what was read before.
inline std::string text_of(gossamer::http::round_trip_result got) {
  if (got.second) {
    return "error: " + got.second.text();
  }
  auto [all, err] = gossamer::io::read_all(got.first.body);
  got.first.body.close();
  return std::string(all.begin(), all.end()) + (err ? " error: " + err.text() : "");
}

// A server in memory, and a transport to it.
struct transported {
  explicit transported(gossamer::http::handler h) : srv(std::move(h)) {
    t.dial_context = [this](const gossamer::net::ending&, std::string_view,
                            std::string_view) -> std::pair<gossamer::net::conn, gossamer::error> {
      ++dials;
      return {srv.dial(), nullptr};
    };
  }
  std::string get(std::string_view path = "/") {
    return text_of(t.round_trip(request_to(srv.url() + std::string(path))));
  }

  gossamer::http::test::server srv;
  std::atomic<int> dials = 0;
  gossamer::http::transport t;
};

// Each connection is given to the script, with its number, in a fiber of its own, and closed behind it.
class scripted {
 public:
  using script = std::function<void(const gossamer::net::conn& c, int number)>;
  explicit scripted(script s) {
    serving_.go([this, s = std::move(s)] {
      for (int i = 0;; i++) {
        auto [c, err] = net_.listener().accept();
        if (err) {
          return;
        }
        accepted_ = i + 1;
        serving_.go([s, i, own = c] {
          s(own, i);
          own.close();
        });
      }
    });
  }
  scripted(const scripted&) = delete;
  scripted& operator=(const scripted&) = delete;
  ~scripted() {
    net_.listener().close();
    serving_.join();
  }
  int accepted() const { return accepted_; }
  gossamer::http::dial_function dial() {
    return [this](const gossamer::net::ending&, std::string_view, std::string_view) { return net_.dial(); };
  }

 private:
  gossamer::http::test::network net_;
  std::atomic<int> accepted_ = 0;
  crew serving_;
};

// Reads one head; empty where the client has gone.
inline std::string read_head(const gossamer::net::conn& c) {
  c.set_read_deadline(std::chrono::steady_clock::now() + patience);
  std::string got;
  char byte[1];
  while (!got.ends_with("\r\n\r\n")) {
    const auto [n, err] = c.read(byte);
    if (err) {
      return {};
    }
    got.append(byte, n);
  }
  return got;
}

inline std::string answer(std::string_view body, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace support
