#include "http/hijacked_conn.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace gossamer::inline v0::http {

net::io_result hijacked_conn::read(std::span<std::byte> to, const net::ending& end, std::source_location where) {
  {
    const std::lock_guard hold(lock_);
    if (!first_.empty()) {
      const std::size_t n = std::min(to.size(), first_.size());
      std::memcpy(to.data(), first_.data(), n);
      first_.erase(0, n);
      return {n, nullptr};
    }
  }
  return of_.get()->read(to, end, where);
}

std::string hijacked_conn::take_ahead() {
  const std::lock_guard hold(lock_);
  return std::exchange(first_, {});
}

std::pair<net::conn, std::string> take_apart(const net::conn& c) {
  auto* const taken = dynamic_cast<hijacked_conn*>(c.get());
  return taken != nullptr ? std::pair(taken->below(), taken->take_ahead()) : std::pair(c, std::string());
}

}  // namespace gossamer::inline v0::http
