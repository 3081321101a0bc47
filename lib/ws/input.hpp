// input: the bytes that a connection receives, with what was read ahead.
//
// Whoever reads lends it room, on its own stack: a connection that is idle keeps no buffer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gossamer/error.hpp"
#include "gossamer/net/conn.hpp"

namespace gossamer::inline v0::ws {

// For one fiber at a time.
class input {
 public:
  // Enough for every header and every control frame.
  static constexpr std::size_t room_bytes = 1024;
  using room = std::byte[room_bytes];

  // `ahead`: what has come already.
  input(net::conn from, std::string ahead) noexcept : from_(std::move(from)), kept_(std::move(ahead)), ahead_(kept_) {}

  // As long as it lives reads go through its room.
  class lent {
   public:
    explicit lent(input& to) noexcept : to_(to) { to.room_ = room_; }
    lent(const lent&) = delete;
    lent& operator=(const lent&) = delete;
    ~lent() { to_.keep(); }

   private:
    input& to_;
    room room_;
  };

  // The next n bytes, n <= room_bytes, which may be looked at until the next call. Errors: io::eof where not one byte
  // came, io::unexpected_eof; those of the connection.
  std::pair<std::string_view, error> peek(std::size_t n, const net::ending& end);
  void skip(std::size_t n) noexcept { ahead_.remove_prefix(n); }
  // At least one byte, unless there is an error or no room.
  net::io_result read(std::span<std::byte> to, const net::ending& end);

 private:
  void keep();

  const net::conn from_;
  std::string kept_;
  std::string_view ahead_;  // lies in room_ or in kept_
  std::span<std::byte> room_;
};

}  // namespace gossamer::inline v0::ws
