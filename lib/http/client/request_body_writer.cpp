// How a request's body is sent.
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"
#include "gossamer/os/file.hpp"
#include "http/client/request_writer.hpp"
#include "http/head_text.hpp"

namespace gossamer::inline v0::http {

namespace {

constexpr std::chrono::milliseconds longest_probe{200};
constexpr std::size_t piece_bytes = 32 * 1024;
// Before and behind a piece, where it is a chunk.
constexpr std::size_t line_room = 18;
constexpr std::string_view last_chunk = "0\r\n";
// Readers that return nothing so often are given up.
constexpr int most_empty_reads = 100;

bool usually_has_no_body(std::string_view method) noexcept {
  static constexpr std::array<std::string_view, 6> all{"GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH"};
  return method.empty() || std::ranges::find(all, method) != all.end();
}

}  // namespace

// Servers do not expect a body with these methods: one of no bytes is none. It is not waited for it long.
void request_writer::probe(const net::ending& end) {
  if (framing_ != framing::chunked || r_.transfer_encoding == "chunked" || !usually_has_no_body(r_.method)) {
    return;
  }
  touched_ = true;
  late_first_ = begin_first_read(body_);
  if (late_first_.recv_until({longest_probe, end.stop()}, first_) != channel_status::done) {
    return;
  }
  late_first_ = nullptr;
  if (!first_.has_byte && first_.err == io::eof) {
    framing_ = framing::none;
    length_ = 0;
  }
}

io::result request_writer::read_body(std::span<std::byte> to) {
  touched_ = true;
  if (late_first_) {
    first_ = *late_first_.recv();
    late_first_ = nullptr;
  }
  if (std::exchange(first_.has_byte, false)) {
    to.front() = first_.byte;
    return {1, nullptr};
  }
  if (first_.err) {
    return {0, first_.err};
  }
  for (int tries = 0; tries < most_empty_reads; tries++) {
    auto [n, err] = body_.read(to);
    if (n > 0 || err) {
      return {n, std::move(err)};
    }
  }
  return {0, io::no_progress};
}

gossamer::error request_writer::close_body() {
  const io::closer& closer = body_;
  if (!closer || closed_.exchange(true)) {
    return nullptr;
  }
  touched_ = true;
  return closer.close();
}

gossamer::error request_writer::wrong_length(std::int64_t body_length) const {
  return errors::make("http: ContentLength=", length_, " with Body length ", body_length);
}

// What is beyond the length is read, and not sent, to say how much it is, if it is not too much.
gossamer::error request_writer::write_counted(const net::conn& to, const net::ending& end, std::span<std::byte> room) {
  for (std::int64_t all = 0;;) {
    const std::int64_t left = length_ - all;
    const bool sends = left > 0 || framing_ == framing::until_close;
    if (!sends && end.stop().is_set()) {
      return end.err();
    }
    if (!sends && -left >= most_beyond) {
      return wrong_length(all);
    }
    const auto wanted = framing_ == framing::counted && left > 0
                            ? static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(room)))
                            : room.size();
    const auto [n, err] = read_body(room.first(wanted));
    all += static_cast<std::int64_t>(n);
    if (sends && n > 0) {
      if (gossamer::error write_err = to.write(room.first(n), end).second) {
        return write_err;
      }
    }
    if (err == io::eof) {
      return framing_ == framing::until_close || all == length_ ? nullptr : wrong_length(all);
    }
    if (err) {
      failed_ = true;
      return err;
    }
  }
}

gossamer::error request_writer::write_chunks(const net::conn& to, const net::ending& end,
                                             const std::function<void()>& before_trailers) {
  // A chunk is written with the line before it and the line's end behind it, as one.
  const auto room = std::make_unique_for_overwrite<char[]>(piece_bytes + 2 * line_room);
  for (;;) {
    const auto [n, err] = read_body(std::as_writable_bytes(std::span(room.get() + line_room, piece_bytes)));
    if (n > 0) {
      out_.clear();
      append_chunk_line(out_, n);
      char* const begin = room.get() + line_room - out_.size();
      std::ranges::copy(out_, begin);
      std::ranges::copy(std::string_view("\r\n"), room.get() + line_room + n);
      if (gossamer::error write_err = to.write(std::string_view(begin, out_.size() + n + 2), end).second) {
        return write_err;
      }
    }
    if (err == io::eof) {
      break;
    }
    if (err) {
      failed_ = true;
      return err;
    }
  }
  if (gossamer::error err = close_body()) {
    return err;
  }
  if (before_trailers) {
    before_trailers();
  }
  out_ = last_chunk;
  append_sorted(out_, r_.trailer, is_framing_field);
  out_ += "\r\n";
  return to.write(out_, end).second;
}

// Its error may be the file's or the connection's: body_has_failed() does not tell.
gossamer::error request_writer::write_file(const net::conn& to) {
  touched_ = true;
  if (const auto [n, err] = io::copy_n(to, body_, length_); err) {
    return err == io::eof ? wrong_length(n) : err;
  }
  const auto [beyond, err] = io::copy_n(io::discard, body_, most_beyond);
  if (err && err != io::eof) {
    return err;
  }
  return beyond == 0 ? nullptr : wrong_length(length_ + beyond);
}

gossamer::error request_writer::write_body(const net::conn& to, const net::ending& end,
                                           const std::function<void()>& before_trailers) {
  if (!has_body()) {
    return close_body();
  }
  gossamer::error err;
  if (framing_ == framing::chunked) {
    err = write_chunks(to, end, before_trailers);
  } else if (framing_ == framing::counted && end.stop().core() == nullptr && body_.as<os::file>() != nullptr) {
    err = write_file(to);
  } else {
    const auto room = std::make_unique_for_overwrite<std::byte[]>(piece_bytes);
    err = write_counted(to, end, std::span(room.get(), piece_bytes));
  }
  gossamer::error close_err = close_body();
  is_sent_ = true;
  return err ? err : close_err;
}

}  // namespace gossamer::inline v0::http
