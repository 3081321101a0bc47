// ws: peers that vanish, stall and do not answer, and calls that are cut off.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <string>
#include <string_view>

#include "http_served.hpp"
#include "ws_frames.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::code_text;
using support::masked_frame;
using support::ws_ends;
using ws::message_type;
using ws::status_code;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

error read_error(const ws::conn& c, const net::ending& end = {}) { return std::get<2>(c.read(end)); }

}  // namespace

FIBER_TEST("ws faults: a peer that vanishes at each byte of a message") {
  const std::string all = masked_frame(0x89, "are you there?") + masked_frame(0x01, "Hel") + masked_frame(0x80, "lo");
  for (std::size_t n = 0; n < all.size(); n++) {
    ws_ends ends;
    ends.peer.write(std::string_view(all).substr(0, n));
    ends.peer.close_write();
    const error err = read_error(ends.own);
    CHECK((errors::is(err, io::eof) || errors::is(err, io::unexpected_eof)));
    CHECK(errors::is(read_error(ends.own), net::closed));
    CHECK(errors::is(ends.own.write({}, message_type::text, "x"), net::closed));
    CHECK(errors::is(ends.own.ping(), net::closed));
    ends.peer.close();
  }
}

FIBER_TEST("ws faults: a peer that vanishes while it is pinged, and while it is closed") {
  ws_ends pinged;
  support::crew fibers;
  fibers.go([&] { CHECK(errors::is(read_error(pinged.own), io::eof)); });
  fibers.go([&] { CHECK(pinged.own.ping() != nil); });
  support::read_n(pinged.peer, 3);
  pinged.peer.close();
  fibers.join();

  ws_ends closed;
  fibers.go([&] {
    CHECK(text_of(closed.own.close(status_code::normal_closure)) ==
          "failed to close WebSocket: failed to read frame header: EOF");
  });
  support::read_n(closed.peer, 4);
  closed.peer.close();
  fibers.join();
}

FIBER_TEST("ws faults: a read that is cut off closes the connection; one that waits for its turn does not") {
  ws_ends ends;
  auto [ctx, cancel] = context::with_cancel(context::background());
  auto [other, cancel_other] = context::with_cancel(context::background());
  support::crew fibers;
  sync::wait_group begun;
  begun.add(1);
  fibers.go([&, ctx = ctx] {
    const auto [type, from, err] = ends.own.reader(ctx);
    CHECK(err == nil);
    begun.done();
    char room[100];
    CHECK(from.read(room).first == 3);
    const error end = from.read(room).second;
    CHECK(errors::is(end, net::canceled));
  });
  ends.peer.write(masked_frame(0x01, "Hel"));
  begun.wait();
  fibers.go([&, other = other] { CHECK(read_error(ends.own, other) != nil); });
  cancel_other();
  CHECK(ends.own.write({}, message_type::text, "x") == nil);
  CHECK(support::read_n(ends.peer, 3) == "\x81\x01x");
  cancel();
  fibers.join();
  CHECK(support::read_all(ends.peer).first.empty());
  CHECK(errors::is(ends.own.write({}, message_type::text, "x"), net::closed));
  ends.peer.close();
}

FIBER_TEST("ws faults: a read whose time is up") {
  ws_ends ends;
  auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
  const error err = read_error(ends.own, ctx);
  CHECK(err.timeout());
  CHECK(errors::is(err, context::deadline_exceeded));
  cancel();
  CHECK(errors::is(read_error(ends.own), net::closed));
  ends.peer.close();
}

FIBER_TEST("ws faults: a write that is cut off closes the connection, and all who wait behind it go") {
  ws_ends ends;
  static_cast<void>(ends.peer.set_read_buffer(1));
  support::bound_listener place;
  auto [peer, dial_err] = net::dial("tcp", place.place());
  auto [own, accept_err] = place.l.accept();
  const ws::conn c = ws::make_conn(own, {});
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew fibers;
  fibers.go([&, ctx = ctx] {
    const std::string large(std::size_t{64} << 20U, 'x');
    CHECK(errors::is(c.write(ctx, message_type::binary, large), net::canceled));
  });
  support::read_n(peer, 10);
  for (int i = 0; i < 3; i++) {
    fibers.go([&] { CHECK(errors::is(c.write({}, message_type::text, "x"), net::closed)); });
  }
  fibers.go([&] { CHECK(read_error(c) != nil); });
  cancel();
  fibers.join();
  peer.close();
  ends.peer.close();
}

FIBER_TEST("ws faults: a ping that finds a message in its way is answered behind it") {
  support::net_pair pair;
  const ws::conn c = ws::make_conn(pair.b, {});
  const std::string large(std::size_t{16} << 20U, 'x');
  support::crew fibers;
  fibers.go([&] { CHECK(c.write({}, message_type::binary, large) == nil); });
  fibers.go([&] { CHECK(ws::close_status(read_error(c)) == status_code::normal_closure); });
  std::string got = support::read_n(pair.a, 10);
  pair.a.write(masked_frame(0x89, "one") + masked_frame(0x89, "two"));
  got += support::read_n(pair.a, large.size());
  // The first may be answered, too; the last one is.
  while (!got.ends_with("two")) {
    const std::string more = support::read_n(pair.a, 1);
    CHECK(!more.empty());
    if (more.empty()) {
      break;
    }
    got += more;
  }
  pair.a.write(masked_frame(0x88, code_text(1000)));
  CHECK(support::frames_in_short(support::read_all(pair.a).first) == "close(1000)");
}

FIBER_TEST("ws faults: pongs that a peer does not take hold up nobody who writes, and go with the connection") {
  ws_ends ends;
  CHECK(ends.peer.set_read_buffer(1) == nil);  // writes wait for who reads
  const auto read_one = make_chan<std::string>(1);
  support::crew fibers;
  sync::wait_group written;
  written.go([&] { CHECK(ends.own.write({}, message_type::text, "Hello") == nil); });
  fibers.go([&] {
    read_one << std::get<1>(ends.own.read());
    CHECK(read_error(ends.own) != nil);
  });
  std::string got = support::read_n(ends.peer, 1);
  ends.peer.write(masked_frame(0x89, "one") + masked_frame(0x89, "two") + masked_frame(0x81, "x"));
  CHECK(read_one.recv() == "x");
  got += support::read_n(ends.peer, 6);
  written.wait();
  got += support::read_n(ends.peer, 1);  // of the pong, which has the turn
  auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
  CHECK(ends.own.write(ctx, message_type::text, "given up").timeout());
  cancel();
  got += support::read_n(ends.peer, 4);
  CHECK(support::frames_in_short(got) == "text(Hello) pong(two)");

  fibers.go([&] { CHECK(ends.own.write({}, message_type::text, "Hello") != nil); });
  support::read_n(ends.peer, 1);
  ends.peer.write(masked_frame(0x89, "three"));
  ends.own.close_now();
  fibers.join();
  ends.peer.close();
}

FIBER_TEST("ws faults: a compressed message that was given up before its turn is not referred to") {
  const ws::deflate_terms terms{.on = true, .own_takeover = true, .peer_takeover = true};
  auto [a, b] = http::test::memory_pipe();
  CHECK(a.set_read_buffer(1) == nil);  // writes wait for who reads
  const ws::conn server = ws::make_conn(b, {.side = ws::side::server, .deflate = terms});
  support::crew fibers;
  fibers.go([&] { CHECK(server.ping() == nil); });
  const std::string ahead = support::read_n(a, 1);  // now it has the turn
  const ws::conn client = ws::make_conn(a, {.side = ws::side::client, .deflate = terms}, ahead);
  constexpr std::string_view text = "the quick brown fox jumps over the lazy dog";
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  CHECK(errors::is(server.write(ctx, message_type::text, text), net::canceled));
  fibers.go([&] { CHECK(server.write({}, message_type::text, text) == nil); });
  fibers.go([&] { CHECK(ws::close_status(read_error(server)) == status_code::normal_closure); });
  const auto [type, got, err] = client.read();
  CHECK(err == nil);
  CHECK(got == text);
  CHECK(client.close(status_code::normal_closure) == nil);
  fibers.join();
}

FIBER_TEST("ws faults: a peer that does not answer a close is waited for 5 s") {
  if (support::width() != 2) {
    return;
  }
  ws_ends ends;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(text_of(ends.own.close(status_code::normal_closure)).ends_with("i/o timeout"));
  CHECK(std::chrono::steady_clock::now() - begin >= 5s);
  ends.peer.close();
}

FIBER_TEST("ws faults: a close while a fragment was read; the rest is passed over") {
  ws_ends ends;
  ends.peer.write(masked_frame(0x01, std::string(5000, 'x')).substr(0, 3000));
  const auto [type, from, err] = ends.own.reader(context::background());
  CHECK(err == nil);
  char room[10];
  CHECK(from.read(room).second == nil);
  support::crew fibers;
  fibers.go([&] { CHECK(ends.own.close(status_code::normal_closure) == nil); });
  CHECK(support::frames_in_short(support::read_n(ends.peer, 4)) == "close(1000)");
  ends.peer.write(masked_frame(0x01, std::string(5000, 'x')).substr(3000) + masked_frame(0x80, "y") +
                  masked_frame(0x82, "z") + masked_frame(0x88, code_text(1000)));
  CHECK(support::read_all(ends.peer).first.empty());
  fibers.join();
  CHECK(from.read(room).second != nil);
  ends.peer.close();
}

FIBER_TEST("ws faults: a writer that goes in the middle takes the connection with it") {
  ws_ends ends;
  {
    auto [to, err] = ends.own.writer(context::background(), message_type::text);
    CHECK(to.write("begun").second == nil);
  }
  CHECK(support::frames_in_short(support::read_all(ends.peer).first) == "text+(begun)");
  CHECK(errors::is(ends.own.write({}, message_type::text, "x"), net::closed));
  ends.peer.close();
}

FIBER_TEST("ws faults: the last handle closes the connection") {
  ws_ends ends;
  ends.own = nil;
  CHECK(support::read_all(ends.peer).first.empty());
  ends.peer.close();
}

FIBER_TEST("ws faults: a peer that is told that it breaks the rules, and goes on") {
  ws_ends ends;
  support::crew fibers;
  fibers.go([&] { CHECK(text_of(read_error(ends.own)).ends_with("opcode(3)")); });
  const std::string wrong = masked_frame(0x83, "x");
  while (!ends.peer.write(wrong).second) {
  }
  fibers.join();
  ends.peer.close();
}

FIBER_TEST("ws faults: a server that ends, lies, or stalls in the handshake") {
  support::bound_listener place;
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const auto dial_to = [&](std::string_view answer) {
    support::crew fibers;
    fibers.go([&] {
      auto [c, err] = place.l.accept();
      support::read_until(c, "\r\n\r\n");
      c.write(answer);
      c.close();
    });
    http::transport t;
    t.max_response_header_bytes = 32768;
    return text_of(ws::dial(context::background(), "ws://" + place.place(), {.http_client = {.transport = &t}}).second);
  };
  const std::string failed =
      "failed to WebSocket dial: failed to send handshake request: Get \"http://" + place.place() + "\": ";
  const std::string broken = failed + "net/http: HTTP/1.x transport connection broken: ";
  CHECK(dial_to("") == failed + "EOF");
  CHECK(dial_to(head) == broken + "unexpected EOF");
  CHECK(dial_to("nonsense\r\n\r\n") == broken + R"(malformed HTTP response "nonsense")");
  constexpr std::string_view forbidden =
      "failed to WebSocket dial: expected handshake response status code 101 but got 403";
  CHECK(dial_to("HTTP/1.1 403\r\nContent-Length: 0\r\n\r\n") == forbidden);
  CHECK(dial_to("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n") == forbidden);
  CHECK(dial_to("HTTP/1.1 403 Forbidden\r\nContent-Length: 900000000000\r\n\r\n") == forbidden);
  std::string hints;
  while (hints.size() < 40'000) {
    hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  }
  CHECK(dial_to(hints).starts_with(broken + "net/http: server response headers exceeded 32768 bytes"));
  CHECK(dial_to(head + "\r\n")
            .starts_with(R"(failed to WebSocket dial: WebSocket protocol violation: invalid Sec-WebSocket-Accept "")"));
  CHECK(dial_to(head + "A: " + std::string(40'000, 'x')).starts_with(failed));

  auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
  CHECK(ws::dial(ctx, "ws://" + place.place()).second.timeout());
  cancel();
}

// A peer that refuses, and never ends what it says about it.
FIBER_TEST("ws faults: a refusal that never ends") {
  support::bound_listener place;
  support::crew fibers;
  fibers.go([&] {
    auto [c, err] = place.l.accept();
    support::read_until(c, "\r\n\r\n");
    c.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno");
    CHECK(support::read_all(c).first.empty());
    c.close();
  });
  const error err = ws::dial(context::background(), "ws://" + place.place()).second;
  const auto* const what = errors::as<ws::handshake_error>(err);
  CHECK((what != nullptr && what->body() == "no"));
}
