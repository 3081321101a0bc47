#include "http/client/late_trailers.hpp"

#include <cstddef>
#include <mutex>
#include <span>
#include <utility>

#include "gossamer/io.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/client/body_length.hpp"
#include "http/proxy/passed_body.hpp"

namespace gossamer::inline v0::http {

class late_trailers::ending_body {
 public:
  ending_body(const request& given, request& copy) : from_(given.body), given_(&given), copy_(&copy) {}

  io::result read(std::span<std::byte> to) {
    io::result got = from_.read(to);
    if (got.second == io::eof) {
      const std::lock_guard hold(lock_);
      if (given_ != nullptr) {
        copy_->trailer = given_->trailer;
      }
    }
    return got;
  }
  gossamer::error close() { return from_.close(); }

  void leave() {
    const std::lock_guard hold(lock_);
    given_ = nullptr;
    copy_ = nullptr;
  }

 private:
  const io::read_closer from_;
  sync::mutex lock_;
  // Under the lock. Null after leave().
  const request* given_;
  request* copy_;
};

// The body of a request that is passed on has its trailers with it.
late_trailers::late_trailers(const request& given, request& copy) {
  if (given.trailer.empty() || !has_body_to_send(given) || given.body.as<passed_body>() != nullptr) {
    return;
  }
  body_ = std::make_shared<ending_body>(given, copy);
  copy.body = body_;
}

void late_trailers::end() {
  if (const auto body = std::exchange(body_, nullptr)) {
    body->leave();
  }
}

}  // namespace gossamer::inline v0::http
