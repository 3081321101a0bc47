// ws: the rules of RFC 6455, by frames that are written out by hand.
#include <string>
#include <string_view>

#include "ws_frames.hpp"
#include "ws_served.hpp"

using namespace gossamer;
using support::code_text;
using support::masked_frame;
using support::plain_frame;
using support::ws_answer_to;

namespace {

struct protocol_case {
  std::string sent;
  std::string_view answer;  // the frames
  std::string_view error;   // how what the reader is told ends
};

// Each whole, and cut at every byte.
template <std::size_t N>
void check_all(const protocol_case (&cases)[N], ws::side own_side = ws::side::server) {
  for (const protocol_case& c : cases) {
    for (const std::size_t piece : {c.sent.size(), std::size_t{1}}) {
      if (piece > 1 || c.sent.size() < 300) {
        const support::ws_answer got = ws_answer_to(c.sent, piece, own_side);
        CHECK(got.frames == c.answer);
        CHECK(got.error.substr(got.error.size() - std::min(got.error.size(), c.error.size())) == c.error);
      }
    }
  }
}

std::string text(std::string_view payload) { return masked_frame(0x81, payload); }
std::string bye() { return masked_frame(0x88, code_text(1000)); }
std::string close_with(int code) { return masked_frame(0x88, code_text(code)); }

constexpr std::string_view is_normal = R"(status = StatusNormalClosure and reason = "")";

}  // namespace

FIBER_TEST("ws protocol: messages whole and in fragments, with control frames in between") {
  const protocol_case cases[] = {
      {text("Hello") + bye(), "text(Hello) close(1000)", is_normal},
      {masked_frame(0x82, "Hello") + bye(), "binary(Hello) close(1000)", is_normal},
      {text("") + text("a") + text("b") + bye(), "text() text(a) text(b) close(1000)", is_normal},
      {masked_frame(0x01, "Hel") + masked_frame(0x80, "lo") + bye(), "text(Hello) close(1000)", is_normal},
      {masked_frame(0x02, "") + masked_frame(0x00, "") + masked_frame(0x00, "x") + masked_frame(0x80, "") + bye(),
       "binary(x) close(1000)", is_normal},
      {masked_frame(0x01, "Hel") + masked_frame(0x89, "now") + masked_frame(0x80, "lo") + bye(),
       "pong(now) text(Hello) close(1000)", is_normal},
      {masked_frame(0x89, "") + bye(), "pong() close(1000)", is_normal},
      {masked_frame(0x8a, "nobody asked") + text("x") + bye(), "text(x) close(1000)", is_normal},
      {text(std::string(125, 'x')) + bye(), "text(125 bytes) close(1000)", is_normal},
      {text(std::string(126, 'x')) + bye(), "text(126 bytes) close(1000)", is_normal},
      {masked_frame(0x89, std::string(125, 'x')) + bye(), "pong(125 bytes) close(1000)", is_normal},
      {text(std::string(32768, 'x')) + bye(), "text(32768 bytes) close(1000)", is_normal},
      {std::string("\x81\xfe\x00\x01kkkk", 8) + static_cast<char>('a' ^ 'k') + bye(), "text(a) close(1000)", is_normal},
      {bye() + text("late"), "close(1000)", is_normal},
  };
  check_all(cases);
}

FIBER_TEST("ws protocol: what breaks the rules of frames is answered with 1002") {
  const protocol_case cases[] = {
      {masked_frame(0xc1, "x"), "close(1002)", "received header with unexpected rsv bits set: true:false:false"},
      {masked_frame(0xa1, "x"), "close(1002)", "unexpected rsv bits set: false:true:false"},
      {masked_frame(0x99, "x"), "close(1002)", "unexpected rsv bits set: false:false:true"},
      {masked_frame(0x83, "x"), "close(1002)", "received unknown opcode opcode(3)"},
      {masked_frame(0x87, "x"), "close(1002)", "received unknown opcode opcode(7)"},
      {masked_frame(0x8b, ""), "close(1002)", "received unknown opcode opcode(11)"},
      {masked_frame(0x8f, "x"), "close(1002)", "received unknown opcode opcode(15)"},
      {plain_frame(0x81, "x"), "close(1002)", "received unmasked frame from client"},
      {masked_frame(0x89, std::string(126, 'x')), "close(1002)",
       "received control frame payload with invalid length: 126"},
      {masked_frame(0x88, std::string(126, 'x')), "close(1002)",
       "received control frame payload with invalid length: 126"},
      {masked_frame(0x09, "x"), "close(1002)", "received fragmented control frame"},
      {masked_frame(0x80, "x"), "close(1002)", "received continuation frame without text or binary frame"},
      {masked_frame(0x01, "x") + text("y"), "close(1002)",
       "received new data message without finishing the previous message"},
      {text("ok") + masked_frame(0x00, "x"), "text(ok) close(1002)",
       "received continuation frame without text or binary frame"},
      {std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00kkkk", 14), "close(1002)",
       "received negative payload length: -9223372036854775808"},
  };
  check_all(cases);
  const protocol_case of_client[] = {
      {masked_frame(0x81, "x"), "close(1002)", "received masked frame from server"},
      {plain_frame(0x81, "x") + plain_frame(0x88, code_text(1001, "bye")), "text(x) close(1001)",
       R"(status = StatusGoingAway and reason = "bye")"},
  };
  check_all(of_client, ws::side::client);
}

FIBER_TEST("ws protocol: text that is no UTF-8 is answered with 1007") {
  constexpr std::string_view why = "received text that is no UTF-8";
  const protocol_case bad[] = {
      {text("\xff"), "close(1007)", why},
      {text("a\x80"), "close(1007)", why},
      {text("\xc0\xaf"), "close(1007)", why},
      {text("\xe0\x80\xaf"), "close(1007)", why},
      {text("\xed\xa0\x80"), "close(1007)", why},
      {text("\xf4\x90\x80\x80"), "close(1007)", why},
      {text("\xf5"), "close(1007)", why},
      {text("12345678\xc3"), "close(1007)", why},
      {masked_frame(0x01, "\xe2\x82") + masked_frame(0x80, ""), "close(1007)", why},
      {masked_frame(0x01, "\xe2\x82") + masked_frame(0x00, "x"), "close(1007)", why},
  };
  check_all(bad);
  const protocol_case good[] = {
      {text("\xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf") + bye(),
       "text(\xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf) close(1000)",
       is_normal},
      {masked_frame(0x01, "\xe2") + masked_frame(0x00, "\x82") + masked_frame(0x80, "\xac") + bye(),
       "text(\xe2\x82\xac) close(1000)", is_normal},
      {masked_frame(0x82, "\xff\xfe") + bye(), "binary(\xff\xfe) close(1000)", is_normal},
  };
  check_all(good);
}

FIBER_TEST("ws protocol: codes of a close") {
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    const auto got = ws_answer_to(close_with(code), 100);
    CHECK(got.frames == "close(" + std::to_string(code) + ")");
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    const auto got = ws_answer_to(close_with(code), 100);
    CHECK(got.frames == "close(1002)");
    CHECK(got.error.find("received invalid close payload: invalid status code ") != std::string::npos);
  }
  const protocol_case cases[] = {
      {masked_frame(0x88, ""), "close()", R"(received close frame: status = StatusNoStatusRcvd and reason = "")"},
      {masked_frame(0x88, "x"), "close(1002)",
       R"(close payload "x" too small, cannot even contain the 2 byte status code)"},
      {masked_frame(0x88, code_text(1000, "\xff")), "close(1007)", "reason is no UTF-8"},
      {masked_frame(0x88, code_text(4001, std::string(123, 'r'))), "close(4001)", "rr\""},
      {masked_frame(0x01, "begun") + bye(), "close(1000)", is_normal},
  };
  check_all(cases);
}

FIBER_TEST("ws protocol: what is larger than the limit is answered with 1009, as soon as it is announced") {
  constexpr std::string_view why = "read limited at 32768 bytes";
  const std::string half(20000, 'x');
  const protocol_case cases[] = {
      {text(std::string(32769, 'x')).substr(0, 8), "close(1009)", why},
      {masked_frame(0x01, half) + masked_frame(0x80, half), "close(1009)", why},
      {std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffkkkk", 14), "close(1009)", why},
  };
  check_all(cases);
}

FIBER_TEST("ws protocol: a client masks each frame with a key of its own") {
  support::ws_ends ends(ws::side::client);
  CHECK(ends.own.write({}, ws::message_type::text, "same") == nil);
  CHECK(ends.own.write({}, ws::message_type::text, "same") == nil);
  const std::string got = support::read_n(ends.peer, 20);
  CHECK(support::frames_in_short(got) == "text(same) text(same)");
  CHECK(got.substr(2, 4) != got.substr(12, 4));
  const std::string large = support::pattern(100'000);
  support::crew fibers;
  fibers.go([&] { CHECK(ends.own.write({}, ws::message_type::binary, large) == nil); });
  const std::string frame = support::read_n(ends.peer, large.size() + 14);
  const auto h = ws::read_header(frame);
  std::string payload = frame.substr(14);
  ws::apply_mask(std::as_writable_bytes(std::span(payload)), h.key, 0);
  CHECK(h.length == large.size());
  CHECK(payload == large);
}

FIBER_TEST("ws protocol: compressed messages") {
  const ws::deflate_terms alone{.on = true};
  const ws::deflate_terms together{.on = true, .own_takeover = true, .peer_takeover = true};
  const std::string hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);  // RFC 7692, 7.2.3.1
  const std::string once = masked_frame(0xc1, hello);
  const auto answer = [](const std::string& sent, const ws::deflate_terms& terms) {
    return ws_answer_to(sent + bye(), sent.size() + 100, ws::side::server, terms);
  };
  CHECK(answer(once, alone).frames == "text(" + hello + ") close(1000)");
  CHECK(answer(once + once, alone).frames == "text(" + hello + ") text(" + hello + ") close(1000)");
  CHECK(ws_answer_to(once + bye(), 1, ws::side::server, alone).frames == "text(" + hello + ") close(1000)");
  // Two fragments; a block without compression; one that says it is the last; an empty message.
  CHECK(answer(masked_frame(0x41, hello.substr(0, 3)) + masked_frame(0x80, hello.substr(3)), alone).frames ==
        "text(" + hello + ") close(1000)");
  CHECK(answer(masked_frame(0xc1, std::string("\x00\x05\x00\xfa\xffHello\x00", 11)), alone).frames ==
        "text(" + hello + ") close(1000)");
  CHECK(answer(masked_frame(0xc1, std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), alone).frames ==
        "text(" + hello + ") close(1000)");
  CHECK(answer(masked_frame(0xc1, std::string(1, '\0')), alone).frames.starts_with("text("));
  // The second refers to the first.
  CHECK(answer(once + masked_frame(0xc1, std::string("\xf2\x00\x11\x00\x00", 5)), together)
            .error.ends_with(std::string(is_normal)));
  CHECK(answer(once + masked_frame(0xc1, std::string("\xf2\x00\x11\x00\x00", 5)), alone).frames ==
        "text(" + hello + ") close(1007)");
  // Blocks that each say that they are the last, without end.
  std::string ends = hello.substr(0, 6);
  for (int i = 0; i < 100; i++) {
    ends.append("\x03\x00", 2);
  }
  CHECK(answer(masked_frame(0xc1, ends), alone).frames == "close(1007)");
  CHECK(answer(masked_frame(0xc1, "\xff\xff\xff"), alone).frames == "close(1007)");
  // They end within a block.
  CHECK(answer(masked_frame(0xc1, hello.substr(0, 4)), alone).frames == "close(1007)");
  CHECK(answer(masked_frame(0xc1, hello.substr(0, 4)) + once, together).frames == "close(1007)");
  CHECK(answer(masked_frame(0xc1, ""), alone).frames == "close(1007)");
  CHECK(answer(masked_frame(0xc9, "x"), alone).frames == "close(1002)");
  CHECK(answer(masked_frame(0x01, "x") + masked_frame(0xc0, "x"), alone).frames == "close(1002)");
}

FIBER_TEST("ws protocol: what comes with the handshake belongs to the connection") {
  const support::ws_served s(support::echo_all);
  const net::conn c = s.served::dial();
  c.write(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
      masked_frame(0x81, "early") + bye());
  const std::string all = support::read_all(c).first;
  CHECK(support::frames_in_short(all.substr(all.find("\r\n\r\n") + 4)) == "text(early) close(1000)");
  c.close();
}
