// http_site: a server of ours for clients that we did not write.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>

#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "peer.hpp"

namespace peers {

// / says hello and what it was asked by; /echo gives the body back; /file is a file of bytes that tell where they
// stand; /pieces comes in chunks, one a flush; /fields tells the request's fields.
class http_site {
 public:
  http_site() {
    namespace http = gossamer::http;
    file_ = room_ / "file.bin";
    CHECK(gossamer::os::write_file(file_, content(), 0600) == gossamer::nil);
    mux_.handle_func("/{$}", [](http::response_writer& w, http::request& r) {
      w.write("hello " + r.method + " " + r.proto + "\n");
    });
    mux_.handle_func("/echo", [](http::response_writer& w, http::request& r) {
      w.header().set("Content-Type", "application/octet-stream");
      w.header().set("X-Coding", r.transfer_encoding);
      const auto [body, err] = gossamer::io::read_all(r.body);
      CHECK(err == gossamer::nil);
      w.write(body);
    });
    mux_.handle_func("GET /file",
                     [this](http::response_writer& w, http::request& r) { http::serve_file(w, r, file_); });
    mux_.handle_func("/pieces", [](http::response_writer& w, http::request&) {
      for (int i = 0; i < 5; i++) {
        w.write("piece " + std::to_string(i) + "\n");
        CHECK(w.flush() == gossamer::nil);
      }
    });
    mux_.handle_func("/fields", [](http::response_writer& w, http::request& r) {
      std::string text = r.proto + "\n";
      for (const http::header::field& f : r.header) {
        text += f.name + ": " + f.value + "\n";
      }
      w.write(text);
    });
    server_.handler = &mux_;
    fiber_.go([this] { CHECK(server_.serve(on_.l) == http::server_closed); });
  }
  http_site(const http_site&) = delete;
  http_site& operator=(const http_site&) = delete;
  ~http_site() {
    CHECK(server_.close() == gossamer::nil);
    CHECK(server_.shutdown(gossamer::context::background()) == gossamer::nil);
    fiber_.join();
  }

  std::string place() const { return on_.place(); }
  std::string url(std::string_view path) const { return "http://" + place() + std::string(path); }
  std::string room(std::string_view name) const { return room_ / name; }
  static std::string content() { return support::pattern(100'000, 7); }

 private:
  folder room_;
  std::string file_;
  gossamer::http::serve_mux mux_;
  gossamer::http::server server_;
  support::bound_listener on_;
  support::crew fiber_;
};

// What a program says; it must exit with 0.
template <class... Args>
std::string said_by(const std::string& program, const Args&... args) {
  gossamer::os::command c(program, args...);
  const auto [text, err] = c.output();
  CHECK(err == gossamer::nil);
  return text;
}

}  // namespace peers
