// output: the frames that a connection sends, one after the other.
//
// A pong is owed, not written, by the fiber that has read the ping: it would wait behind a message that the peer does
// not take before it is read itself. Whoever has the turn sends what is owed before it leaves.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
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

class output {
 public:
  output(net::conn to, bool masks) : to_(std::move(to)), keys_(masks ? std::make_unique<mask_keys>() : nullptr) {}

  // A frame; waits for its turn. What fails half way has cut the connection off. Errors: net::closed behind a close;
  // end's; the connection's.
  error send(frame_header h, std::span<const std::byte> payload, const net::ending& end);
  // The close frame, the last one. Nil, and nothing is sent, if there was one. Error: `i/o timeout` at `until`.
  error send_close(std::string_view payload, net::time_point until);
  // Sends a pong when it can be, in place of one that was owed still.
  void owe_pong(std::string_view payload);
  // Whether there was a close frame.
  bool has_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  void leave();
  void send_owed();
  error put(frame_header h, std::span<const std::byte> payload, const net::ending& end);
  error put_large(const written_header& header, std::span<const std::byte> payload, const mask_key* key,
                  const net::ending& end);

  const net::conn to_;
  const std::unique_ptr<mask_keys> keys_;  // under the turn; null: frames are not masked
  sync::mutex turn_;
  std::atomic<bool> closed_{false};  // written under the turn; release: pairs with has_closed()
  sync::mutex guard_;
  std::string owed_;  // under the guard
  // Set behind owed_. seq_cst, as the fence in leave(): either who owes gets the turn, or who leaves it sees this.
  std::atomic<bool> owes_{false};
};

}  // namespace gossamer::inline v0::ws
