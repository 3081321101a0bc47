// connection: what the handles of a WebSocket connection refer to. See gossamer/ws/conn.hpp.
//
// Three turns, each a mutex that is held while its holder waits for the network: read_turn_ for whoever reads,
// message_turn_ for whoever writes a message, and within that output's for each frame. guard_ is held for moments.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "gossamer/context.hpp"
#include "gossamer/error.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/ws/close.hpp"
#include "gossamer/ws/conn.hpp"
#include "ws/deflate.hpp"
#include "ws/frame.hpp"
#include "ws/input.hpp"
#include "ws/output.hpp"
#include "ws/utf8_check.hpp"

namespace gossamer::inline v0::ws {

enum class side : std::uint8_t { server, client };

// What the handshake has settled.
struct settled {
  ws::side side = side::server;
  deflate_terms deflate{};
  std::string subprotocol{};
};

// `ahead`: what the peer has sent behind the handshake.
conn make_conn(net::conn over, settled how, std::string ahead = {});

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(net::conn over, settled how, std::string ahead);
  ~connection();

  std::tuple<message_type, std::string, error> read(const net::ending& end);
  std::tuple<message_type, io::reader, error> open_reader(const context::context& ctx);
  // A piece of the message with that number.
  io::result read_piece(std::uint64_t number, std::span<std::byte> to, const net::ending& end);

  error write(const net::ending& end, message_type type, std::span<const std::byte> message);
  std::pair<io::write_closer, error> open_writer(const context::context& ctx, message_type type);

  error ping(const net::ending& end);
  error close(status_code code, std::string_view reason);
  error close_now();
  context::context close_read(const context::context& ctx);
  void set_read_limit(std::int64_t bytes) noexcept { read_limit_.store(bytes, std::memory_order_relaxed); }
  const std::string& subprotocol() const noexcept { return how_.subprotocol; }

 private:
  friend class open_message;
  struct pending_ping;

  // The message that is being read.
  struct incoming {
    message_type type = message_type::text;
    bool is_open = false;
    bool is_compressed = false;
    frame_header frame;      // the current one
    std::uint64_t left = 0;  // of its payload
    std::uint64_t number = 0;
    std::int64_t limit = 0;
    std::int64_t sent = 0;  // payload bytes of all frames so far, the current one included
    std::int64_t size = 0;  // as it is handed out
    utf8_check utf8;
  };

  // ---- under the read turn: connection_read.cpp, connection_control.cpp ----
  error over() const;
  error begin_message(const net::ending& end);
  error next_frame(const net::ending& end);
  error take_frame(const frame_header& h);
  net::io_result read_payload(std::span<std::byte> to, const net::ending& end);
  net::io_result read_plain(std::span<std::byte> to, const net::ending& end);
  net::io_result read_message(std::span<std::byte> to, const net::ending& end);
  error check_end();
  error read_all(std::string& to, const net::ending& end);
  std::pair<frame_header, error> next_header(const net::ending& end);
  std::pair<frame_header, error> next_data_header(const net::ending& end);
  error check(const frame_header& h);
  error handle_control(const frame_header& h, const net::ending& end);
  error handle_close(std::string_view payload);
  void handle_pong(std::string_view payload);
  error fail(status_code code, std::string why);
  error lost(error err);
  void linger();

  // ---- under the message turn: connection_write.cpp ----
  deflater& begin_deflating();
  void end_deflating();

  // ---- connection_close.cpp ----
  error await_close(net::time_point until);
  error close_handshake(status_code code, std::string_view reason);
  bool drop(bool at_once = false);

  const net::conn net_;
  const settled how_;
  const std::shared_ptr<output> out_;
  std::atomic<std::int64_t> read_limit_{32768};  // relaxed: a number
  std::atomic<bool> closing_{false};
  std::atomic<bool> closed_{false};

  sync::mutex read_turn_;
  // Under the read turn.
  input in_;
  incoming message_;
  std::unique_ptr<inflater> inflater_;

  sync::mutex message_turn_;
  // Under the message turn.
  std::unique_ptr<deflater> deflater_;

  mutable sync::mutex guard_;
  sync::cond changed_;
  // Under the guard; changed_ tells of them, and of closed_.
  error received_;  // the peer's close_error
  pending_ping* pings_ = nullptr;
  std::uint64_t last_ping_ = 0;
  context::context close_read_;
};

}  // namespace gossamer::inline v0::ws
