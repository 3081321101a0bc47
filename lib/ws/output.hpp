// output: the frames that a connection sends, one after the other.
//
// Who has read a ping does not wait for the turn: it would wait behind a message that the peer does not take before it
// is read itself. Nor is its pong left to a writer, which would outlast its own `end`: a fiber that is there only then
// waits for the turn.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/limit.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"
#include "ws/frame.hpp"
#include "ws/mask_keys.hpp"

namespace gossamer::inline v0::ws {

// How long it may take to send a control frame, and to close.
inline constexpr std::chrono::seconds control_patience{5};

// Ends the connection, without a word of TLS either: who does not take a message does not take that.
void cut_off(const net::conn& c);

class output : public std::enable_shared_from_this<output> {
 public:
  output(net::conn to, bool masks) : to_(std::move(to)), keys_(masks ? std::make_unique<mask_keys>() : nullptr) {}

  // A frame; waits for its turn. What fails half way has cut the connection off. Errors: net::closed behind a close;
  // end's; the connection's.
  error send(frame_header h, std::span<const std::byte> payload, const net::ending& end);
  // The close frame, the last one. Nil, and nothing is sent, if there was one. Error: `i/o timeout` at `until`.
  error send_close(std::string_view payload, net::time_point until);
  // Sends a pong, if nothing is being sent; else it is owed, in place of one that was still, and nil. For one at a
  // time. Error: as send().
  error answer_ping(std::string_view payload, const net::ending& end);
  // Whether there was a close frame.
  bool has_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  void pay();
  bool still_owes();
  error put_pong(std::string_view payload, const net::ending& end);
  error put(frame_header h, std::span<const std::byte> payload, const net::ending& end);
  error put_large(const written_header& header, std::span<const std::byte> payload, const mask_key* key,
                  const net::ending& end);

  const net::conn to_;
  const std::unique_ptr<mask_keys> keys_;  // under the turn; null: frames are not masked
  sync::mutex turn_;
  std::atomic<bool> closed_{false};  // written under the turn; release: pairs with has_closed()
  sync::mutex guard_;
  // Under the guard; what is owed is paid by a fiber.
  std::optional<std::string> owed_;
  bool is_paying_ = false;
};

}  // namespace gossamer::inline v0::ws
