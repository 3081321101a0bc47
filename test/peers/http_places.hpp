// http_places: the places of go_http's server, served by ours, and who asks such a server by our client.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/os/file.hpp>
#include <gossamer/tls.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http_site.hpp"
#include "net_pair.hpp"

namespace peers {

namespace http = gossamer::http;

// FNV-1a, in hexadecimal digits.
inline std::string sum_of(std::string_view bytes) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : bytes) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::string digits(16, '0');
  for (std::size_t i = 16; i-- > 0; h >>= 4) {
    digits[i] = "0123456789abcdef"[h & 15];
  }
  return digits;
}

// As go_http's.
inline std::string pattern_of(std::size_t size) {
  std::string all(size, ' ');
  for (std::size_t i = 0; i < size; i++) {
    all[i] = static_cast<char>('a' + (i / 7 + i) % 26);
  }
  return all;
}

class http_places {
 public:
  http_places() {
    add_places();
    server_.handler = &mux_;
    fiber_.go([this] { CHECK(server_.serve(on_.l) == http::server_closed); });
  }
  http_places(const http_places&) = delete;
  http_places& operator=(const http_places&) = delete;
  ~http_places() {
    CHECK(server_.shutdown(gossamer::context::background()) == gossamer::nil);
    fiber_.join();
  }
  std::string url(std::string_view path) const { return "http://" + on_.place() + std::string(path); }

 private:
  void add_places() {
    mux_.handle_func("/hello",
                     [](http::response_writer& w, http::request& r) { w.write("hello " + r.method + " " + r.proto); });
    mux_.handle_func("/echo", [](http::response_writer& w, http::request& r) {
      w.header().set("Trailer", "X-Sum");
      const auto [body, err] = gossamer::io::read_all(r.body);
      if (err) {
        return;
      }
      w.write(body);
      static_cast<void>(w.flush());
      w.header().set("X-Sum", sum_of(body));
      w.header().set("Trailer:X-Asked", r.trailer.get("X-Asked"));
    });
    mux_.handle_func("/early", [](http::response_writer& w, http::request&) {
      w.header().set("Link", "</style.css>");
      w.write_header(http::status_early_hints);
      w.write("late");
    });
    mux_.handle_func("/redirect", [](http::response_writer& w, http::request& r) {
      http::cookie seen;
      seen.name = "seen";
      seen.value = "yes";
      seen.path = "/";
      http::set_cookie(w, seen);
      http::redirect(w, r, "/cookie", http::status_found);
    });
    mux_.handle_func("/cookie", [](http::response_writer& w, http::request& r) {
      if (const auto [c, err] = r.cookie("seen"); !err) {
        w.write("seen " + c.value + " from " + std::string(r.referer()));
      }
    });
    mux_.handle_func("/cut", [](http::response_writer& w, http::request&) {
      w.header().set("Content-Length", "100");
      w.write("only this");
      static_cast<void>(w.flush());
      gossamer::panic(http::abort_handler);
    });
    mux_.handle_func("/slow", [](http::response_writer&, http::request& r) { r.context().done().recv(); });
  }

  http::serve_mux mux_;
  http::server server_;
  support::bound_listener on_;
  support::crew fiber_;
};

// A client of ours, at such a server.
class asking {
 public:
  // Over TLS it trusts this certificate.
  explicit asking(std::string_view trusted = {}) {
    if (!trusted.empty()) {
      auto config = std::make_shared<gossamer::tls::config>();
      config->root_cas = gossamer::tls::new_cert_pool();
      CHECK(config->root_cas.append_certs_from_pem(trusted));
      transport_->tls_client_config = std::move(config);
    }
    client_.transport = transport_;
    client_.jar = http::cookiejar::new_jar();
    client_.timeout = std::chrono::seconds(60);
  }
  asking(const asking&) = delete;
  asking& operator=(const asking&) = delete;
  ~asking() { client_.close_idle_connections(); }

  void all(const std::string& at, std::string_view whose) const {
    for (int i = 0; i < 10; i++) {
      CHECK(body_of(client_.get(at + "/hello")) == "hello GET HTTP/1.1");
    }
    for (const std::size_t size : {0, 1, 2048, 2049, 1'000'000}) {
      echoes(at, size, true);
      echoes(at, size, false);
    }
    early_hints(at);
    CHECK(body_of(client_.get(at + "/redirect")) == "seen yes from " + at + "/redirect");
    if (whose == "Go") {
      CHECK(body_of(client_.get(at + "/gzip")) == pattern_of(300'000));
    }
    ends(at);
  }

 private:
  class of_unknown_length {
   public:
    explicit of_unknown_length(std::string_view all) noexcept : left_(all) {}
    gossamer::io::result read(std::span<std::byte> to) {
      const std::size_t n = std::min(to.size(), left_.size());
      std::memcpy(to.data(), left_.data(), n);
      left_.remove_prefix(n);
      return {n, n == 0 && !to.empty() ? gossamer::error(gossamer::io::eof) : gossamer::error()};
    }

   private:
    std::string_view left_;
  };

  static std::string body_of(http::round_trip_result got) {
    const auto& [resp, err] = got;
    CHECK(err == gossamer::nil);
    const auto [body, problem] = gossamer::io::read_all(resp.body);
    CHECK(problem == gossamer::nil);
    CHECK(resp.body.close() == gossamer::nil);
    return body;
  }

  void echoes(const std::string& at, std::size_t size, bool counted) const {
    const std::string sent = pattern_of(size);
    auto [r, err] = counted ? http::new_request("POST", at + "/echo", std::string_view(sent))
                            : http::new_request("POST", at + "/echo", gossamer::io::reader(of_unknown_length(sent)));
    CHECK(err == gossamer::nil);
    if (!counted) {
      r.trailer.set("X-Asked", "by us");
    }
    const auto [resp, problem] = client_.do_(r);
    CHECK(problem == gossamer::nil);
    if (problem) {
      return;
    }
    const auto [body, cut] = gossamer::io::read_all(resp.body);
    CHECK(cut == gossamer::nil);
    CHECK(body == sent);
    CHECK(resp.trailer->get("X-Sum") == sum_of(sent));
    CHECK(resp.trailer->get("X-Asked") == (counted ? "" : "by us"));
    CHECK(resp.body.close() == gossamer::nil);
  }

  void early_hints(const std::string& at) const {
    std::string hints;
    http::client_trace trace;
    trace.got_1xx_response = [&hints](int code, const http::header& h) -> gossamer::error {
      hints += std::to_string(code) + " " + std::string(h.get("Link"));
      return nullptr;
    };
    auto [r, err] = http::new_request_with_context(http::with_client_trace(gossamer::context::background(), trace),
                                                   "GET", at + "/early");
    CHECK(err == gossamer::nil);
    CHECK(body_of(client_.do_(r)) == "late");
    CHECK(hints == "103 </style.css>");
  }

  void ends(const std::string& at) const {
    const auto [resp, err] = client_.get(at + "/cut");
    CHECK(err == gossamer::nil);
    if (!err) {
      const auto [part, cut] = gossamer::io::read_all(resp.body);
      CHECK(part == "only this");
      CHECK(cut == gossamer::io::unexpected_eof);
      static_cast<void>(resp.body.close());
    }
    auto [ctx, cancel] =
        gossamer::context::with_timeout(gossamer::context::background(), std::chrono::milliseconds(50));
    auto [r, bad] = http::new_request_with_context(ctx, "GET", at + "/slow");
    CHECK(bad == gossamer::nil);
    const gossamer::error late = client_.do_(r).second;
    CHECK(gossamer::errors::is(late, gossamer::context::deadline_exceeded));
    CHECK(late.text() == "Get \"" + at + "/slow\": context deadline exceeded");
    cancel();
  }

  std::shared_ptr<http::transport> transport_ = std::make_shared<http::transport>();
  http::client client_;
};

}  // namespace peers
