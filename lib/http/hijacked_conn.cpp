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

}  // namespace gossamer::inline v0::http
