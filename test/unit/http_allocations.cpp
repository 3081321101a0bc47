// A program of its own, since it counts all allocations: on a connection that has answered before, a request without a
// body and its answer need none.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "gossamer/gossamer.hpp"
#include "gossamer/http.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net.hpp"

static std::atomic<long> allocations{0};

// Not inline: gcc would see that what new gives is freed by another function.
[[gnu::noinline]] void* operator new(std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count alone
  if (void* const p = std::malloc(n)) {
    return p;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace gossamer;

namespace {

// Asks the same so many times, each time when the answer to the last has come.
class asking final : public net::conn_interface {
 public:
  asking(std::string_view what, int times) : what_(what), left_(times) {}
  net::io_result read(std::span<std::byte> to, const net::ending&, std::source_location) override {
    if (left_ == 0) {
      return {0, io::eof};
    }
    left_--;
    const std::size_t n = std::min(to.size(), what_.size());
    std::memcpy(to.data(), what_.data(), n);
    return {n, nullptr};
  }
  net::io_result write(net::buffer from, const net::ending&, std::source_location) override {
    return {from.size(), nullptr};
  }
  error close() override { return nullptr; }
  error close_write() override { return nullptr; }
  error set_deadline(net::direction, net::time_point) override { return nullptr; }
  net::addr local_addr() const override { return net::named_addr{"memory", "here"}; }
  net::addr remote_addr() const override { return net::named_addr{"memory", "there"}; }

 private:
  std::string_view what_;
  int left_;
};

// Gives out one connection.
class one final : public net::listener_interface {
 public:
  explicit one(net::conn c) : conn_(std::move(c)) {}
  std::pair<net::conn, error> accept(const net::ending&, std::source_location) override {
    return conn_ ? std::pair(std::exchange(conn_, nullptr), error()) : std::pair(net::conn(), error(io::eof));
  }
  error close() override { return nullptr; }
  error set_deadline(net::time_point) override { return nullptr; }
  net::addr addr() const override { return net::named_addr{"memory", "here"}; }

 private:
  net::conn conn_;
};

// Of the last 100 of 120 requests.
long allocations_of(std::string_view request, const http::handler& h) {
  long before = 0;
  long after = -1;
  run([&] {
    int served = 0;
    http::server s("", [&](http::response_writer& w, http::request& r) {
      served++;
      if (served == 20) {
        before = allocations;
      } else if (served == 120) {
        after = allocations;
      }
      h(w, r);
    });
    s.serve(net::listener(new one(net::make_conn<asking>(request, 120))));
    while (served < 120) {
      runtime::gosched();
    }
    s.shutdown(context::background());
  });
  return after - before;
}

void hello(http::response_writer& w, const http::request&) { w.write("Hello, world!\n"); }

}  // namespace

TEST_CASE("http: a request on a warm connection allocates nothing") {
  constexpr std::string_view request =
      "GET /hello/with/a/path/that/is/long?name=somebody+with+a+long+one HTTP/1.1\r\nHost: "
      "127.0.0.1:8080\r\nUser-Agent: somebody/1.0 (with a name that is long)\r\n"
      "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip\r\n\r\n";
  CHECK(allocations_of(request, hello) == 0);
  CHECK(allocations_of(request, [](http::response_writer& w, const http::request& r) {
          w.header().set("X-B", "a value that is longer than what lies in the string itself");
          w.header().set("Content-Type", "text/plain; charset=utf-8");
          w.header().set("X-A", "1");
          hello(w, r);
        }) == 0);
}

TEST_CASE("http: nor does a mux that has one handler for it") {
  http::serve_mux mux;
  mux.handle_func("GET /hello", hello);
  mux.handle_func("/", http::not_found);
  CHECK(allocations_of("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &mux) == 0);
}
