// uncompressed_body: an answer's body, as it was before it was compressed.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "gossamer/sync/mutex.hpp"
#include "http/client/gunzip.hpp"
#include "http/client/response_body.hpp"

namespace gossamer::inline v0::http {

// close() by any fiber, also while one reads.
class uncompressed_body {
 public:
  explicit uncompressed_body(std::shared_ptr<response_body> body) : body_(std::move(body)), unzip_(body_) {}

  io::result read(std::span<std::byte> to) {
    const std::lock_guard hold(reading_);
    return body_->is_closed() ? body_->read(to) : unzip_.read(to);
  }
  gossamer::error close() { return body_->close(); }

 private:
  const std::shared_ptr<response_body> body_;
  sync::mutex reading_;
  gunzip unzip_;
};

}  // namespace gossamer::inline v0::http
