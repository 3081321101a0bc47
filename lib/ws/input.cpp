#include "ws/input.hpp"

#include <algorithm>
#include <cstring>

#include "gossamer/io_errors.hpp"

namespace gossamer::inline v0::ws {

std::pair<std::string_view, error> input::peek(std::size_t n, const net::ending& end) {
  if (ahead_.size() < n) {
    std::memmove(room_.data(), ahead_.data(), ahead_.size());
    ahead_ = {reinterpret_cast<const char*>(room_.data()), ahead_.size()};
  }
  while (ahead_.size() < n) {
    const auto [got, err] = from_.read(room_.subspan(ahead_.size()), end);
    ahead_ = {ahead_.data(), ahead_.size() + got};
    if (err && ahead_.size() < n) {
      return {{}, err == io::eof && !ahead_.empty() ? error(io::unexpected_eof) : err};
    }
  }
  return {ahead_.substr(0, n), nullptr};
}

net::io_result input::read(std::span<std::byte> to, const net::ending& end) {
  if (ahead_.empty()) {
    return from_.read(to, end);
  }
  const std::size_t n = std::min(to.size(), ahead_.size());
  std::memcpy(to.data(), ahead_.data(), n);
  skip(n);
  return {n, nullptr};
}

// The room goes: what was not taken is kept, and where there is nothing, no memory either.
void input::keep() {
  kept_ = std::string(ahead_);
  ahead_ = kept_;
  room_ = {};
}

}  // namespace gossamer::inline v0::ws
