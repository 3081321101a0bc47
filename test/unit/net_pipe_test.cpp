// net: connections in memory, and connections of a type of one's own.
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <atomic>
#include <string>
#include <thread>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::eventually;
using support::pattern;
using support::read_n;
using support::scale;

FIBER_TEST("NE8: what is written to one end of a pipe is read at the other, and a write waits for its readers") {
  auto [a, b] = net::pipe();
  std::atomic<bool> written = false;
  support::crew writer;
  writer.go([&, c = a] {
    CHECK(c.write("abcdef") == net::io_result(6, nil));
    written = true;
  });
  char two[2];
  CHECK(b.read(two) == net::io_result(2, nil));
  CHECK(!written);
  CHECK(read_n(b, 4) == "cdef");
  writer.join();
  CHECK(written);
  CHECK(a.local_addr().text() == "pipe");
  CHECK(a.remote_addr().network() == "pipe");
}

FIBER_TEST("NE8: both ways of a pipe flow at once, and writers do not come between each other") {
  auto [a, b] = net::pipe();
  const std::string big = pattern(static_cast<std::size_t>(scale(300'000)));
  support::crew all;
  for (int i = 0; i < 3; ++i) {
    all.go([&, c = a] { CHECK(c.write(big).first == big.size()); });
    all.go([&, c = b] { CHECK(c.write(big).first == big.size()); });
  }
  all.go([&, c = a] { CHECK((read_n(c, 3 * big.size()) == big + big + big)); });
  CHECK((read_n(b, 3 * big.size()) == big + big + big));
}

FIBER_TEST("NE8: an empty write to a pipe waits for a read, which gets nothing") {
  auto [a, b] = net::pipe();
  support::crew writer;
  writer.go([c = a] { CHECK(c.write("") == net::io_result(0, nil)); });
  char buf[1];
  CHECK(b.read(buf) == net::io_result(0, nil));
}

FIBER_TEST("NE8: close of a pipe: EOF for the other's reads, closed_pipe for all else") {
  auto [a, b] = net::pipe();
  support::crew blocked;
  blocked.go([c = a] {
    char buf[1];
    CHECK(c.read(buf).second == io::closed_pipe);
  });
  blocked.go([c = b] {
    char buf[1];
    CHECK(c.read(buf).second == io::eof);
  });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  CHECK(a.close() == nil);
  CHECK(a.close() == nil);
  blocked.join();
  char buf[1];
  CHECK(a.read(buf).second == io::closed_pipe);
  CHECK(a.write("x").second == io::closed_pipe);
  CHECK(b.read(buf).second == io::eof);
  CHECK(b.write("x").second == io::closed_pipe);
  CHECK(b.set_deadline(nil) == io::closed_pipe);
  CHECK(errors::is(b.set_no_delay(true), std::errc::operation_not_supported));
}

FIBER_TEST("NE8: close ends a write to a pipe, which says how much was read") {
  auto [a, b] = net::pipe();
  support::crew writer;
  writer.go([c = a] { CHECK(c.write("abc") == net::io_result(2, io::closed_pipe)); });
  CHECK(read_n(b, 2) == "ab");
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  b.close();
}

FIBER_TEST("NE8: deadlines of a pipe: past ones fail at once, they end what waits, and can be moved") {
  auto [a, b] = net::pipe();
  char buf[8];
  a.set_deadline(time::now() - 1s);
  const error err = a.read(buf).second;
  CHECK(err.text() == "read pipe: i/o timeout");
  CHECK(errors::is(err, os::deadline_exceeded));
  CHECK(a.write("x").second.text() == "write pipe: i/o timeout");
  for (const auto d : {1ns, 1'000ns, 1'000'000ns, 20'000'000ns}) {
    const auto begin = time::now();
    a.set_read_deadline(begin + d);
    CHECK(a.read(buf).second.timeout());
    CHECK(time::since(begin) >= d);
    b.set_write_deadline(begin + 2 * d);
    CHECK(b.write("x").second.timeout());
  }
  a.set_deadline(nil);
  b.set_deadline(nil);
  support::crew blocked;
  blocked.go([&, c = a] {
    char own[8];
    CHECK(c.read(own).second.timeout());
  });
  blocked.go([&, c = a] { CHECK(c.write("abc") == net::io_result(3, nil)); });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  a.set_read_deadline(time::now() + 1h);
  a.set_read_deadline(time::now());
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(read_n(b, 3) == "abc");
}

FIBER_TEST("net: a context ends a read from and a write to a pipe") {
  auto [a, b] = net::pipe();
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew blocked;
  blocked.go([c = a, x = ctx] {
    char buf[1];
    CHECK(c.read(buf, x).second.text() == "read pipe: operation was canceled");
  });
  blocked.go([c = a, x = ctx] { CHECK(errors::is(c.write("x", x).second, context::canceled)); });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  cancel();
}

PLAIN_TEST("net: two plain threads talk through a pipe") {
  auto [a, b] = net::pipe();
  std::thread other([c = b] {
    CHECK(read_n(c, 4) == "ping");
    c.write("pong");
    c.close();
  });
  a.write("ping");
  CHECK(support::read_all(a).first == "pong");
  other.join();
}

namespace {

// Counts what goes through.
class counting final : public net::conn_interface {
 public:
  explicit counting(net::conn inner) : inner_(std::move(inner)) {}
  net::io_result read(std::span<std::byte> to, const net::ending& end, std::source_location where) override {
    auto r = inner_.read(to, end, where);
    count += r.first;
    return r;
  }
  net::io_result write(net::buffer from, const net::ending& end, std::source_location where) override {
    auto r = inner_.write(from, end, where);
    count += r.first;
    return r;
  }
  error close() override { return inner_.close(); }
  net::addr local_addr() const override { return inner_.local_addr(); }
  net::addr remote_addr() const override { return inner_.remote_addr(); }

  std::size_t count = 0;

 private:
  net::conn inner_;
};

}  // namespace

FIBER_TEST("net: a connection of a type of one's own is a conn like any other") {
  auto [a, b] = net::pipe();
  const net::conn c = net::make_conn<counting>(a);
  support::crew reader;
  reader.go([x = b] { CHECK(read_n(x, 6) == "abcdef"); });
  CHECK(c.writev({"abc", "def"}) == net::io_result(6, nil));
  reader.join();
  CHECK(static_cast<counting*>(c.get())->count == 6);
  CHECK(errors::is(c.set_deadline(nil), std::errc::operation_not_supported));
  CHECK(c.close() == nil);
  CHECK(read_n(b, 1) == "");
}
