// deflate: compressed messages, RFC 7692.
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace gossamer::inline v0::ws {

// What was agreed on.
struct deflate_terms {
  bool on = false;
  bool own_takeover = false;   // what we send refers to messages before
  bool peer_takeover = false;  // what comes does
  int own_window_bits = MAX_WBITS;
  std::size_t threshold = 0;  // smaller messages are sent as they are
};

class deflater {
 public:
  explicit deflater(int window_bits);
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() { deflateEnd(&z_); }

  // Appends what is ready of it to `to`.
  void add(std::span<const std::byte> piece, std::string& to) { run(piece, Z_NO_FLUSH, to); }
  // The rest of the message.
  void finish(std::string& to);
  void forget() noexcept { deflateReset(&z_); }

 private:
  void run(std::span<const std::byte> piece, int flush, std::string& to);

  z_stream z_{};
};

class inflater {
 public:
  inflater();
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { inflateEnd(&z_); }

  // What is to be decompressed is put there, and its length said, when it wants some.
  bool wants_more() const noexcept { return z_.avail_in == 0; }
  std::span<std::byte> room() noexcept { return std::as_writable_bytes(std::span(in_)); }
  void more(std::size_t n) noexcept;
  // The message has no more.
  void last() noexcept;
  bool is_last() const noexcept { return last_; }
  // What it was given ends with a block.
  bool is_whole() const noexcept { return whole_; }
  // How much it has put there, and false where it makes no sense.
  std::pair<std::size_t, bool> take(std::span<std::byte> to) noexcept;
  void next_message() noexcept {
    last_ = false;
    ends_ = 0;
  }
  void forget() noexcept {
    inflateReset(&z_);
    next_message();
  }

 private:
  bool go_on() noexcept;

  z_stream z_{};
  bool last_ = false;
  bool whole_ = true;
  int ends_ = 0;  // blocks of the message that have said that they are the last
  std::array<Bytef, 2048> in_;
};

// From those that messages before have left, and back: a stream costs 300 KiB and as long to make as to compress 10.
std::unique_ptr<deflater> borrow_deflater();
void give_back(std::unique_ptr<deflater> d);
std::unique_ptr<inflater> borrow_inflater();
void give_back(std::unique_ptr<inflater> i);

}  // namespace gossamer::inline v0::ws
