// Encrypted connections: how they end.
#include <gossamer/tls.hpp>

#include <string>

#include "inside.hpp"
#include "net_pair.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace support;

namespace {

struct shaken : tls_ends {
  shaken(const net::conn& a, const net::conn& b) : tls_ends(a, b) { CHECK(shake() == std::pair(error(), error())); }
};

error read_error(const net::conn& c) {
  char byte[1];
  return c.read(byte).second;
}

}  // namespace

FIBER_TEST("close says that it is the end; then reads and writes fail, and a second close") {
  net_pair below;
  shaken ends(below.a, below.b);
  CHECK(ends.client.close() == nil);
  CHECK(read_error(ends.server) == io::eof);
  CHECK(read_error(ends.server) == io::eof);
  for (const error& err :
       {read_error(ends.client), ends.client.write("x").second, ends.client.close(), ends.client.close_write()}) {
    CHECK(errors::is(err, net::closed));
  }
  CHECK(ends.server.close() == nil);
}

FIBER_TEST("a peer that has ended may still be written to; after close_write one may still read") {
  net_pair below;
  shaken ends(below.a, below.b);
  CHECK(ends.client.close_write() == nil);
  CHECK(ends.client.write("x").second == tls::protocol_shutdown);
  CHECK(read_error(ends.server) == io::eof);
  CHECK(ends.server.write("late").second == nil);
  CHECK(read_n(ends.client, 4) == "late");
  CHECK(ends.client.close_write() == nil);
}

FIBER_TEST("a stream that ends between two records is at its end; within one it is cut off") {
  for (const bool within : {false, true}) {
    net_pair below;
    shaken ends(below.a, below.b);
    if (within) {
      CHECK(below.b.write(std::string_view("\x17\x03\x03\x01", 4)).second == nil);
    }
    CHECK(below.b.close() == nil);
    CHECK(read_error(ends.client) == (within ? error(io::unexpected_eof) : error(io::eof)));
  }
}

FIBER_TEST("close ends a read that waits, and a write; it says nothing then, and does not wait") {
  net_pair below;
  shaken ends(below.a, below.b);
  crew two;
  two.go([&] { CHECK(errors::is(read_error(ends.client), net::closed)); });
  two.go([&] {
    const std::string much(64 << 20, 'x');
    CHECK(ends.client.write(much).second != nil);
  });
  time::sleep(5ms);
  CHECK(ends.client.close() == nil);
}

FIBER_TEST("close before the handshake closes what is below") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  CHECK(ends.client.close_write().text() == "tls: CloseWrite called before handshake complete");
  crew shaking;
  shaking.go([&] { CHECK(tls::handshake(ends.server) == io::closed_pipe); });
  CHECK(a.write("\x16").second == nil);  // returns when it has been read
  CHECK(ends.server.close() == nil);
  shaking.join();
  CHECK(tls::handshake(ends.server) == io::closed_pipe);
}

FIBER_TEST("a deadline ends a read, and nothing is lost") {
  net_pair below;
  shaken ends(below.a, below.b);
  ends.client.set_read_deadline(std::chrono::steady_clock::now() + 2ms);
  CHECK(read_error(ends.client).timeout());
  CHECK(ends.server.write("here").second == nil);
  CHECK(read_error(ends.client).timeout());
  ends.client.set_read_deadline(nullptr);
  CHECK(read_n(ends.client, 4) == "here");
}

FIBER_TEST("a deadline set from elsewhere ends a read that waits") {
  auto [a, b] = net::pipe();
  shaken ends(a, b);
  crew reading;
  reading.go([&] { CHECK(read_error(ends.client).timeout()); });
  time::sleep(1ms);
  CHECK(ends.client.set_read_deadline(std::chrono::steady_clock::now() - 1s) == nil);
}

FIBER_TEST("a context ends a read, also one that waits for another, and nothing is lost") {
  auto [a, b] = net::pipe();
  shaken ends(a, b);
  crew reading;
  reading.go([&] { CHECK(read_n(ends.client, 4) == "here"); });
  CHECK(await_parked(wait_reason::io_wait, 1));
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  char byte[1];
  const error err = ends.client.read(byte, ctx).second;
  CHECK(err.text() == "read pipe pipe->pipe: i/o timeout");
  CHECK(errors::is(err, context::deadline_exceeded));
  cancel();
  CHECK(ends.server.write("here").second == nil);
}

FIBER_TEST("a write that was ended has ended all writing, with the same error; reading goes on") {
  auto [a, b] = net::pipe();
  shaken ends(a, b);
  ends.client.set_write_deadline(std::chrono::steady_clock::now() + 2ms);
  const error first = ends.client.write("x").second;
  CHECK(first.timeout());
  ends.client.set_write_deadline(nullptr);
  CHECK(ends.client.write("y").second == first);
  crew serving;
  serving.go([&] { CHECK(ends.server.write("here").second == nil); });
  CHECK(read_n(ends.client, 4) == "here");
  serving.join();
  CHECK(ends.client.close() == nil);
}

FIBER_TEST("an ending that was there before the write changes nothing") {
  net_pair below;
  shaken ends(below.a, below.b);
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  CHECK(errors::is(ends.client.write("x", ctx).second, net::canceled));
  CHECK(ends.client.write("y").second == nil);
  CHECK(read_n(ends.server, 1) == "y");
}

FIBER_TEST("the handshake has a deadline too, and fails for good; those who wait for it hear the same") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  ends.server.set_deadline(std::chrono::steady_clock::now() + 3ms);
  error of_read, of_write;
  crew two;
  two.go([&] { of_read = read_error(ends.server); });
  two.go([&] { of_write = ends.server.write("x").second; });
  two.join();
  CHECK(of_read.timeout());
  CHECK(of_read == of_write);
  ends.server.set_deadline(nullptr);
  CHECK(tls::handshake(ends.server) == of_read);
}

FIBER_TEST("a context that has ended before the handshake does not end it for others") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  CHECK(errors::is(tls::handshake(ends.client, ctx), net::canceled));
  CHECK(ends.shake() == std::pair(error(), error()));
}

FIBER_TEST("a context ends the handshake") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b);
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  CHECK(errors::is(tls::handshake(ends.server, ctx), context::deadline_exceeded));
  cancel();
}
