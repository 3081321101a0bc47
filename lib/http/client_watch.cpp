#include "http/client_watch.hpp"

#include <mutex>
#include <utility>

#include "gossamer/detail/thrown.hpp"
#include "gossamer/go.hpp"

namespace gossamer::inline v0::http {

context::context client_watch::begin(const context::context& parent) {
  auto [ctx, cancel] = context::with_cancel(parent);
  const std::lock_guard hold(guard_);
  cancel_ = cancel;
  return ctx;
}

void client_watch::request_is_read() {
  const std::lock_guard hold(guard_);
  if (cancel_) {
    start();
  }
}

void client_watch::client_has_gone() {
  const std::lock_guard hold(guard_);
  if (cancel_) {
    cancel_();
  }
}

void client_watch::start() {
  if (left_ || reading_ || !in_.empty()) {
    return;  // what came behind the request says that the client is there
  }
  std::tie(reading_, stop_) = context::with_cancel(context::background());
  fiber_.go([this] {
    gossamer::error err;
    detail::thrown thrown;  // no memory: nothing more can be read
    thrown.keep_from([&] { err = in_.fill(reading_); });
    // A deadline that the handler has set says nothing of the client.
    if (thrown || (err && !err.timeout() && !reading_.err())) {
      cancel_();
    }
  });
}

void client_watch::stop() {
  if (reading_) {
    stop_();
    fiber_.wait();
    reading_ = nullptr;
    stop_ = nullptr;
  }
}

void client_watch::end() {
  stop();
  if (cancel_) {
    cancel_();
    cancel_ = nullptr;
  }
}

void client_watch::leave() {
  {
    const std::lock_guard hold(guard_);
    left_ = true;
  }
  stop();
}

}  // namespace gossamer::inline v0::http
