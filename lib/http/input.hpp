// input: what a client has sent, read ahead from its connection.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "gossamer/io/stream.hpp"
#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::http {

// The bytes that were read from a connection and not used yet. Used by one fiber at a time.
class input {
 public:
  // The first bytes are read with a buffer of that size: most requests fit into the usual one, and an idle connection
  // needs no more.
  explicit input(net::conn from, std::size_t first_size = usual_size) noexcept
      : conn_(std::move(from)), first_size_(first_size) {}

  const net::conn& connection() const noexcept { return conn_; }
  std::string_view unread() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  void consume(std::size_t n) noexcept { begin_ += n; }

  // Waits for more, and puts it behind what is there; grows where it is full. nil: there is at least one byte more.
  gossamer::error fill();
  // The same, given up when `end` says so.
  gossamer::error fill(const net::ending& end);
  // What is there, or else from the connection; as io's readers do.
  io::result read(std::span<std::byte> to);
  io::result read(std::span<std::byte> to, const net::ending& end);
  // Whether the client was found gone: nothing more will come.
  bool has_ended() const noexcept { return ended_; }
  // Before a wait that may be long: gives memory back that was needed for a long header. Whether there was any.
  bool settle() noexcept;

 private:
  static constexpr std::size_t usual_size = 1024;
  static constexpr std::size_t kept_size = 4096;
  void make_room();
  std::size_t take(std::span<std::byte> to) noexcept;
  void look_at(const gossamer::error& err) noexcept { ended_ = ended_ || (err && !err.timeout()); }

  net::conn conn_;
  std::size_t first_size_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::atomic<bool> ended_ = false;
};

}  // namespace gossamer::inline v0::http
