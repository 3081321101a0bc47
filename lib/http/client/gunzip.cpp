#include "http/client/gunzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"

namespace gossamer::inline v0::http {

namespace {

constinit const errors::sentinel invalid_header{"gzip: invalid header"};
constinit const errors::sentinel invalid_checksum{"gzip: invalid checksum"};

constexpr std::size_t input_bytes = 4096;
// zlib's: the largest window, and a header of gzip's.
constexpr int window_bits = 15 + 16;
// Readers that return nothing so often are given up.
constexpr int most_empty_reads = 100;

}  // namespace

struct gunzip::state {
  state() {
    if (inflateInit2(&z, window_bits) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { inflateEnd(&z); }

  z_stream z{};
  bool in_member = false;  // a byte of it has come
  bool ended = false;      // nothing more comes
  bool has_more = false;   // the last output was full: there may be more without more input
  std::array<unsigned char, input_bytes> input;
};

gunzip::gunzip(io::reader from) noexcept : from_(std::move(from)) {}
gunzip::~gunzip() = default;

void gunzip::end() noexcept {
  state_.reset();
  why_ = why_ ? why_ : gossamer::error(io::eof);
}

// nil: there is something, or nothing more comes.
gossamer::error gunzip::fill() {
  state& s = *state_;
  for (int tries = 0; tries < most_empty_reads; tries++) {
    auto [n, err] = from_.read(std::span(s.input));
    s.z.next_in = s.input.data();
    s.z.avail_in = static_cast<uInt>(n);
    s.ended = err == io::eof;
    if (n > 0 || s.ended) {
      return nullptr;  // another error comes again
    }
    if (err) {
      return err;
    }
  }
  return io::no_progress;
}

gossamer::error gunzip::fault() const {
  static constexpr std::array<std::string_view, 5> of_header{"header crc mismatch", "incorrect header check",
                                                             "invalid window size", "unknown compression method",
                                                             "unknown header flags set"};
  const z_stream& z = state_->z;
  const std::string_view why = z.msg != nullptr ? z.msg : "";
  if (why == "incorrect data check" || why == "incorrect length check") {
    return invalid_checksum;
  }
  if (std::ranges::find(of_header, why) != of_header.end()) {
    return invalid_header;
  }
  return errors::make("flate: corrupt input before offset ", z.total_in);
}

// nil: inflate() has something to work on.
gossamer::error gunzip::await_input() {
  state& s = *state_;
  if (s.z.avail_in > 0 || std::exchange(s.has_more, false)) {
    return nullptr;
  }
  if (!s.ended) {
    if (gossamer::error err = fill()) {
      return err;
    }
  }
  if (s.z.avail_in > 0) {
    return nullptr;
  }
  return s.in_member ? io::unexpected_eof : io::eof;
}

io::result gunzip::inflate_some(std::span<std::byte> to) {
  state& s = *state_;
  s.z.next_out = reinterpret_cast<unsigned char*>(to.data());
  s.z.avail_out = static_cast<uInt>(std::min<std::size_t>(to.size(), std::numeric_limits<uInt>::max()));
  const uInt room = s.z.avail_out;
  while (s.z.avail_out == room) {
    if (gossamer::error err = await_input()) {
      return {0, std::move(err)};
    }
    s.in_member = true;
    const int done = inflate(&s.z, Z_NO_FLUSH);
    if (done == Z_STREAM_END) {
      s.in_member = false;
      inflateReset(&s.z);
    } else if (done == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (done != Z_OK && done != Z_BUF_ERROR) {
      return {room - s.z.avail_out, fault()};
    }
  }
  s.has_more = s.in_member && s.z.avail_out == 0;
  return {room - s.z.avail_out, nullptr};
}

io::result gunzip::read(std::span<std::byte> to) {
  if (why_) {
    return {0, why_};
  }
  if (to.empty()) {
    return {0, nullptr};
  }
  if (!state_) {
    state_ = std::make_unique<state>();
  }
  auto [n, err] = inflate_some(to);
  if (err && !err.timeout()) {
    why_ = err;
    state_.reset();
  }
  return {n, std::move(err)};
}

}  // namespace gossamer::inline v0::http
