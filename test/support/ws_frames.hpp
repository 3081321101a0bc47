// ws_frames: WebSocket frames written by hand, and what came back told in short.
#pragma once

#include <gossamer/http/test_server.hpp>
#include <gossamer/ws.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "ws/connection.hpp"

namespace support {

// The two ends of a connection whose handshake is done: ours, and the raw one of a peer who is written by hand.
struct ws_ends {
  gossamer::ws::conn own;
  gossamer::net::conn peer;

  explicit ws_ends(gossamer::ws::side own_side = gossamer::ws::side::server, gossamer::ws::deflate_terms deflate = {}) {
    auto [a, b] = gossamer::http::test::memory_pipe();
    peer = a;
    peer.set_read_deadline(std::chrono::steady_clock::now() + patience);
    own = gossamer::ws::make_conn(b, {.side = own_side, .deflate = deflate, .subprotocol = {}});
  }
};

// Its length as a frame has it, in the shortest form.
inline std::string frame_length(std::size_t n, bool is_masked) {
  const unsigned mask = is_masked ? 0x80 : 0;
  std::string s(1, static_cast<char>(mask | (n < 126 ? n : n <= 0xffff ? 126 : 127)));
  for (int shift = n < 126 ? -8 : n <= 0xffff ? 8 : 56; shift >= 0; shift -= 8) {
    s += static_cast<char>(n >> static_cast<unsigned>(shift));
  }
  return s;
}

// As a server sends it. `first`: FIN, RSV and opcode.
inline std::string plain_frame(unsigned first, std::string_view payload) {
  return static_cast<char>(first) + frame_length(payload.size(), false) + std::string(payload);
}
// As a client does.
inline std::string masked_frame(unsigned first, std::string_view payload) {
  constexpr std::string_view key = "\x12\x34\xfe\x78";
  std::string s = static_cast<char>(first) + frame_length(payload.size(), true) + std::string(key);
  for (std::size_t i = 0; i < payload.size(); i++) {
    s += static_cast<char>(payload[i] ^ key[i % 4]);
  }
  return s;
}

inline std::string code_text(int code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + std::string(reason);
}

// All frames in short: `text(hi) pong() close(1002)`; of a fragment `+` follows the name; what is no whole frame is
// `...`. Unmasks what is masked.
inline std::string frames_in_short(std::string_view all) {
  constexpr std::string_view names[] = {"more",  "text", "binary", "3",  "4",  "5",  "6",  "7",
                                        "close", "ping", "pong",   "11", "12", "13", "14", "15"};
  std::string text;
  while (!all.empty()) {
    text += text.empty() ? "" : " ";
    const auto byte = [&all](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(all[i])); };
    if (all.size() < 2 || all.size() < gossamer::ws::header_bytes(all)) {
      return text + "...";
    }
    const auto h = gossamer::ws::read_header(all);
    const std::size_t n = gossamer::ws::header_bytes(all);
    if (all.size() - n < h.length) {
      return text + "...";
    }
    std::string payload(all.substr(n, h.length));
    if (h.masked) {
      gossamer::ws::apply_mask(std::as_writable_bytes(std::span(payload)), h.key, 0);
    }
    text += std::string(names[byte(0) & 15U]) + (h.fin ? "" : "+") + "(";
    if (h.op == gossamer::ws::opcode::close && payload.size() >= 2) {
      const auto at = [&payload](std::size_t i) { return static_cast<int>(static_cast<unsigned char>(payload[i])); };
      text += std::to_string(at(0) * 256 + at(1));
    } else {
      text += payload.size() > 40 ? std::to_string(payload.size()) + " bytes" : payload;
    }
    text += ")";
    all.remove_prefix(n + h.length);
  }
  return text;
}

// Answers each message with itself, until there is an error, which is returned; the connection is closed then.
inline gossamer::error echo(const gossamer::ws::conn& c, const gossamer::net::ending& end = {}) {
  for (;;) {
    auto [type, message, err] = c.read(end);
    if (!err) {
      err = c.write(end, type, message);
    }
    if (err) {
      c.close_now();
      return err;
    }
  }
}

// What an echo answers to these bytes, which come `piece` at a time, in short; and what its read has said.
struct ws_answer {
  std::string frames;
  std::string error;
};
inline ws_answer ws_answer_to(std::string_view sent, std::size_t piece,
                              gossamer::ws::side own_side = gossamer::ws::side::server,
                              gossamer::ws::deflate_terms deflate = {}) {
  ws_ends ends(own_side, deflate);
  ws_answer all;
  crew fibers;
  fibers.go([&] { all.error = echo(ends.own).text(); });
  fibers.go([peer = ends.peer, sent, piece] {
    for (std::size_t at = 0; at < sent.size(); at += piece) {
      if (peer.write(sent.substr(at, piece)).second) {
        return;
      }
      if (piece < sent.size()) {
        gossamer::runtime::gosched();
      }
    }
  });
  all.frames = frames_in_short(read_all(ends.peer).first);
  ends.peer.close();
  fibers.join();
  return all;
}

}  // namespace support
