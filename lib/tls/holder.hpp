// holder: holds a mutex, if it could be had before something came to its end.
#pragma once

#include <source_location>

#include "gossamer/net/error.hpp"
#include "gossamer/sync/mutex.hpp"

namespace gossamer::inline v0::tls {

class holder {
 public:
  holder(sync::mutex& m, const net::ending& end, std::source_location where)
      : mutex_(m.try_lock_until(end.stop(), where) ? &m : nullptr) {}
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;
  ~holder() {
    if (mutex_ != nullptr) {
      mutex_->unlock();
    }
  }
  explicit operator bool() const noexcept { return mutex_ != nullptr; }

 private:
  sync::mutex* mutex_;
};

}  // namespace gossamer::inline v0::tls
