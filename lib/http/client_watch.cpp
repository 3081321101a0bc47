#include "http/client_watch.hpp"

#include <utility>

#include "gossamer/go.hpp"

namespace gossamer::inline v0::http {

context::context client_watch::begin(const context::context& parent, bool request_is_read) {
  auto [ctx, cancel] = context::with_cancel(parent);
  cancel_ = cancel;
  if (request_is_read) {
    start();
  }
  return ctx;
}

void client_watch::request_is_read() {
  if (cancel_) {
    start();
  }
}

void client_watch::client_has_gone() {
  if (cancel_) {
    cancel_();
  }
}

void client_watch::start() {
  if (reading_ || !in_.empty()) {
    return;  // what came behind the request says that the client is there
  }
  std::tie(reading_, stop_) = context::with_cancel(context::background());
  fiber_.go([this] {
    const gossamer::error err = in_.fill(reading_);
    // A deadline that the handler has set says nothing of the client.
    if (err && !err.timeout() && !reading_.err()) {
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

void client_watch::leave() { stop(); }

}  // namespace gossamer::inline v0::http
