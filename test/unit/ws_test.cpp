// ws: servers and clients of the library, with each other.
#include <gossamer/http.hpp>
#include <gossamer/ws.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "ws_served.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::served;
using support::ws_served;
using ws::message_type;
using ws::status_code;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

// How `sent` comes back.
void check_echo(const ws::conn& c, message_type type, const std::string& sent) {
  support::crew fibers;
  fibers.go([&] { CHECK(c.write({}, type, sent) == nil); });
  const auto [came, message, err] = c.read();
  CHECK(err == nil);
  CHECK(came == type);
  CHECK((message == sent));
}

}  // namespace

FIBER_TEST("ws: messages of each size go there and back, with each sort of compression") {
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::no_context_takeover,
                          ws::compression_mode::context_takeover}) {
    ws_served s(
        [](const ws::conn& c) {
          c.set_read_limit(-1);
          support::echo_all(c);
        },
        {.compression = mode, .compression_threshold = 1});
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    c.set_read_limit(-1);
    for (const std::size_t n : {0, 1, 64, 125, 126, 127, 1023, 1024, 1025, 65535, 65536, 300'000}) {
      check_echo(c, message_type::text, std::string(n, 'x'));
      check_echo(c, message_type::binary, support::pattern(n));
    }
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: both sides may disagree on compression") {
  ws_served s(support::echo_all,
              {.compression = ws::compression_mode::no_context_takeover, .compression_threshold = 1});
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    for (int i = 0; i < 3; i++) {
      check_echo(c, message_type::text, std::string(1000, 'x'));
    }
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: a close tells the other side its code and reason") {
  ws_served s([](const ws::conn& c) {
    const error err = std::get<2>(c.read());
    CHECK(err.text() == R"(failed to get reader: received close frame: status = StatusCode(4001) and reason = "bye")");
    CHECK(ws::close_status(err) == status_code(4001));
    CHECK(std::get<2>(c.read()) != nil);
    CHECK(c.write({}, message_type::text, "x") != nil);
    CHECK(errors::is(c.close(status_code::normal_closure), net::closed));
  });
  const ws::conn c = s.dial();
  CHECK(c.close(status_code(4001), "bye") == nil);
  CHECK(text_of(c.close(status_code::normal_closure)) == "failed to close WebSocket: use of closed network connection");
  CHECK(text_of(c.close_now()) == "failed to immediately close WebSocket: use of closed network connection");
  CHECK(errors::is(c.write({}, message_type::text, "x"), net::closed));
}

FIBER_TEST("ws: a close that cannot be said") {
  ws_served s([](const ws::conn& c) { CHECK(std::get<2>(c.read()) != nil); });
  CHECK(text_of(s.dial().close(status_code::no_status_rcvd)) == "nil");
  CHECK(text_of(s.dial().close(status_code::none)) ==
        "failed to close WebSocket: failed to marshal close frame: status code StatusCode(-1) cannot be set");
  CHECK(text_of(s.dial().close(status_code::tls_handshake)) ==
        "failed to close WebSocket: failed to marshal close frame: status code StatusTLSHandshake cannot be set");
  CHECK(text_of(s.dial().close(status_code::normal_closure, std::string(124, 'x')))
            .starts_with("failed to close WebSocket: failed to marshal close frame: reason string max is 123 but got"));
}

FIBER_TEST("ws: a close while both sides read, and messages come") {
  ws_served s([](const ws::conn& c) {
    support::crew fibers;
    fibers.go([&] {
      while (!c.write({}, message_type::binary, std::string(100, 'x'))) {
      }
    });
    while (!std::get<2>(c.read())) {
    }
  });
  const ws::conn c = s.dial();
  support::crew fibers;
  fibers.go([&] {
    for (int i = 0; i < 10; i++) {
      if (std::get<2>(c.read())) {
        return;
      }
    }
  });
  CHECK(c.close(status_code::going_away, "enough") == nil);
}

FIBER_TEST("ws: both sides close at once") {
  ws_served s([](const ws::conn& c) { static_cast<void>(c.close(status_code::normal_closure)); });
  for (int i = 0; i < support::scale(50); i++) {
    CHECK(s.dial().close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: pings are answered while the other side reads, and wait for a reader on this one") {
  ws_served s(support::echo_all);
  const ws::conn c = s.dial();
  support::crew fibers;
  fibers.go([&] { CHECK(ws::close_status(std::get<2>(c.read())) == status_code::normal_closure); });
  support::crew pings;
  for (int i = 0; i < 20; i++) {
    pings.go([&] { CHECK(c.ping() == nil); });
  }
  pings.join();
  CHECK(c.close(status_code::normal_closure) == nil);
  fibers.join();
  CHECK(errors::is(c.ping(), net::closed));
}

FIBER_TEST("ws: many write at once, each message whole; one reads") {
  constexpr int writers = 16;
  constexpr int each = 20;
  ws_served s(support::echo_all);
  const ws::conn c = s.dial();
  support::crew fibers;
  for (int i = 0; i < writers; i++) {
    fibers.go([&c, i] {
      for (int j = 0; j < each; j++) {
        CHECK(c.write({}, message_type::text, std::string(static_cast<std::size_t>(i * 100), 'a')) == nil);
      }
    });
  }
  std::size_t all = 0;
  for (int i = 0; i < writers * each; i++) {
    const auto [type, message, err] = c.read();
    CHECK(err == nil);
    CHECK(message.size() % 100 == 0);
    all += message.size();
  }
  CHECK(all == 240'000);
  fibers.join();
  CHECK(c.close(status_code::normal_closure) == nil);
}

FIBER_TEST("ws: a message piece by piece") {
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    ws_served s(
        [](const ws::conn& c) {
          const context::context ctx = context::background();
          for (;;) {
            auto [type, from, err] = c.reader(ctx);
            if (err) {
              return;
            }
            auto [to, write_err] = c.writer(ctx, type);
            CHECK(write_err == nil);
            CHECK(io::copy(to, from).second == nil);
            CHECK(to.close() == nil);
            CHECK(text_of(to.close()) == "failed to close writer: writer already closed");
          }
        },
        {.compression = mode, .compression_threshold = 1});
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    const context::context ctx = context::background();
    for (int round = 0; round < 2; round++) {
      const std::string one = support::pattern(10'000);
      auto [to, err] = c.writer(ctx, message_type::binary);
      CHECK(err == nil);
      for (std::size_t at = 0; at < one.size(); at += 1000) {
        CHECK(to.write(std::string_view(one).substr(at, 1000)).second == nil);
      }
      CHECK(to.close() == nil);
      auto [type, from, read_err] = c.reader(ctx);
      CHECK(read_err == nil);
      CHECK(text_of(std::get<2>(c.read())) == "failed to get reader: previous message not read to completion");
      const auto [got, got_err] = io::read_all(from);
      CHECK(got_err == nil);
      CHECK((got == one));
      char more[8];
      CHECK(from.read(more).second == io::eof);
    }
    auto [empty, err] = c.writer(ctx, message_type::text);
    CHECK(empty.close() == nil);
    CHECK(std::get<1>(c.read()).empty());
    CHECK(c.close(status_code::normal_closure) == nil);
  }
}

FIBER_TEST("ws: the read limit, of what is compressed too") {
  ws_served s(
      [](const ws::conn& c) {
        c.set_read_limit(1000);
        CHECK(std::get<1>(c.read()).size() == 1000);
        CHECK(std::get<2>(c.read()).text().ends_with("read limited at 1000 bytes"));
        CHECK(errors::is(std::get<2>(c.read()), net::closed));
      },
      {.compression = ws::compression_mode::no_context_takeover});
  for (const auto mode : {ws::compression_mode::disabled, ws::compression_mode::context_takeover}) {
    const ws::conn c = s.dial({.compression = mode, .compression_threshold = 1});
    CHECK(c.write({}, message_type::text, std::string(1000, 'x')) == nil);
    CHECK(c.write({}, message_type::text, std::string(1001, 'x')) == nil);
    const error err = std::get<2>(c.read());
    CHECK(ws::close_status(err) == status_code::message_too_big);
    CHECK(err.text().ends_with(R"(status = StatusMessageTooBig and reason = "read limited at 1000 bytes")"));
  }
}

FIBER_TEST("ws: close_read answers pings and sees the end; a message is too much") {
  ws_served s([](const ws::conn& c) {
    const context::context ctx = c.close_read(context::background());
    CHECK(c.close_read(context::background()) == ctx);
    CHECK(c.write({}, message_type::text, "hi") == nil);
    ctx.done().recv();
    CHECK(ctx.err() == context::canceled);
  });
  const ws::conn quiet = s.dial();
  CHECK(std::get<1>(quiet.read()) == "hi");
  CHECK(quiet.close(status_code::normal_closure) == nil);
  const ws::conn loud = s.dial();
  CHECK(std::get<1>(loud.read()) == "hi");
  CHECK(loud.write({}, message_type::text, "x") == nil);
  const error err = std::get<2>(loud.read());
  CHECK(ws::close_status(err) == status_code::policy_violation);
}

FIBER_TEST("ws: the handler may return while others use the connection") {
  const auto given = make_chan<ws::conn>(1);
  ws_served s([&](const ws::conn& c) { given.send(c); });
  const ws::conn client = s.dial();
  const ws::conn server = *given.recv();
  CHECK(server.write({}, message_type::text, "still here") == nil);
  CHECK(std::get<1>(client.read()) == "still here");
  support::crew fibers;
  fibers.go([&] { CHECK(std::get<2>(server.read()) != nil); });
  CHECK(client.close(status_code::normal_closure) == nil);
}

FIBER_TEST("ws: a thousand clients") {
  if (support::width() == 1 || support::width() > 8) {
    return;
  }
  const int many = support::scale(1000);
  ws_served s(support::echo_all);
  std::atomic<int> right = 0;
  {
    support::crew fibers;
    for (int i = 0; i < many; i++) {
      fibers.go([&, i] {
        const ws::conn c = s.dial();
        const std::string mine = "client " + std::to_string(i);
        for (int round = 0; round < 3; round++) {
          if (!c.write({}, message_type::text, mine) && std::get<1>(c.read()) == mine) {
            ++right;
          }
        }
        CHECK(c.close(status_code::normal_closure) == nil);
      });
    }
  }
  CHECK(right == 3 * many);
}

TEST_CASE("ws: a nil connection") {
  const ws::conn none;
  CHECK(std::get<2>(none.read()).text() == "invalid argument");
  CHECK(none.write({}, message_type::text, "x").text() == "invalid argument");
  CHECK(none.ping().text() == "invalid argument");
  CHECK(none.close(status_code::normal_closure).text() == "invalid argument");
  CHECK(none.subprotocol().empty());
  CHECK(ws::close_status(nil) == status_code::none);
}
