// restored: a place that has another value for a while.
#pragma once

#include <utility>

namespace gossamer::inline v0::http {

// Puts the new value there, and the old one back when it ends.
template <class T>
class restored {
 public:
  restored(T& place, T now) : place_(place), before_(std::exchange(place, std::move(now))) {}
  restored(const restored&) = delete;
  restored& operator=(const restored&) = delete;
  ~restored() { place_ = std::move(before_); }

 private:
  T& place_;
  T before_;
};

}  // namespace gossamer::inline v0::http
