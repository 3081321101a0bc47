#include "http/request_body.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel read_after_close{"http: invalid Read on closed Body"};

void request_body::begin(const request& of, bool waits_for_continue) noexcept {
  why_ = nullptr;
  dropped_ = false;
  left_ = of.content_length > 0 ? static_cast<std::uint64_t>(of.content_length) : 0;
  state_ = of.content_length < 0 ? state::chunked : left_ > 0 ? state::counted : state::ended;
  waits_ = waits_for_continue && state_ != state::ended;
}

io::result request_body::read_piece(std::span<std::byte> to) {
  if (state_ == state::chunked) {
    return parser_.read_chunked(from_, to);
  }
  auto [n, err] = from_.read(to.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, to.size()))));
  left_ -= n;
  if (left_ == 0) {
    return {n, io::eof};
  }
  return {n, err == io::eof ? gossamer::error(io::unexpected_eof) : err};
}

void request_body::fail(const gossamer::error& why) {
  state_ = state::failed;
  why_ = why;
  owner_.body_has_failed();
}

io::result request_body::read(std::span<std::byte> to) {
  const std::lock_guard hold(lock_);
  return dropped_ ? io::result{0, read_after_close} : read_locked(to);
}

bool request_body::drop(std::uint64_t most) {
  const std::lock_guard hold(lock_);
  if (state_ == state::ended) {
    return true;
  }
  if (waits_ || (state_ == state::counted && left_ > most)) {
    return false;
  }
  dropped_ = true;
  return discard(most);
}

io::result request_body::read_locked(std::span<std::byte> to) {
  if (state_ == state::ended) {
    return {0, io::eof};
  }
  if (state_ == state::failed) {
    return {0, why_};
  }
  if (to.empty()) {
    return {0, nullptr};
  }
  if (waits_) {
    if (const gossamer::error err = owner_.send_continue()) {
      if (err != read_after_close) {  // else it goes on waiting, and the connection ends with the answer
        waits_ = false;
        fail(err);
      }
      return {0, err};
    }
    waits_ = false;
  }
  auto [n, err] = read_piece(to);
  if (err == io::eof) {
    state_ = state::ended;
    owner_.body_has_ended();
    return {n, n > 0 ? gossamer::error() : err};
  }
  // After a deadline more may come.
  if (err && !err.timeout()) {
    fail(err);
  }
  return {n, err};
}

bool request_body::discard(std::uint64_t most) {
  std::array<std::byte, 2048> dropped;
  while (state_ != state::ended) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, dropped.size()));
    if (wanted == 0) {
      // It may just have ended, where its length is not known before.
      return false;
    }
    const auto [n, err] = read_locked(std::span(dropped).first(wanted));
    most -= n;
    if (err && err != io::eof) {
      return false;
    }
  }
  return true;
}

io::result body_handle::read(std::span<std::byte> to) {
  const std::lock_guard hold(lock_);
  if (closed_) {
    return {0, read_after_close};
  }
  return of_ == nullptr ? io::result{0, io::eof} : of_->read(to);
}

void body_handle::close() {
  const std::lock_guard hold(lock_);
  closed_ = true;
}

void body_handle::detach() {
  const std::lock_guard hold(lock_);
  closed_ = true;
  of_ = nullptr;
}

}  // namespace gossamer::inline v0::http
