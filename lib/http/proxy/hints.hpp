// hints: what a server says before its answer.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "gossamer/http/client_trace.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/proxy/hop_by_hop.hpp"

namespace gossamer::inline v0::http {

// Passes 1xx answers on, while the answer has not come: whoever has been told of one may say so late.
class hints_passed : public std::enable_shared_from_this<hints_passed> {
 public:
  explicit hints_passed(response_writer& w) noexcept : w_(&w) {}

  // `in` is the client's own: RFC 9110 15.2, one of HTTP/1.0 is not to be told.
  void begin(const request& in, request& out) {
    if (!in.proto_at_least(1, 1)) {
      return;
    }
    client_trace trace;
    trace.got_1xx_response = [self = shared_from_this()](int status, const header& fields) {
      self->pass(status, fields);
      return gossamer::error();
    };
    out.set_context(with_client_trace(out.context(), std::move(trace)));
  }
  void end() {
    const std::lock_guard hold(lock_);
    w_ = nullptr;
  }

 private:
  void pass(int status, const header& fields) {
    const std::lock_guard hold(lock_);
    if (w_ != nullptr) {
      header kept = fields;
      remove_hop_by_hop(kept);
      append_fields(w_->header(), kept);
      w_->write_header(status);
      w_->header().clear();
    }
  }

  sync::mutex lock_;
  response_writer* w_;  // under the lock
};

}  // namespace gossamer::inline v0::http
