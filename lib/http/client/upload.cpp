#include "http/client/upload.hpp"

#include <mutex>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/go.hpp"
#include "http/client/persistent_conn.hpp"
#include "http/client/traced.hpp"
#include "http/proxy/passed_body.hpp"

namespace gossamer::inline v0::http {

namespace {

using namespace std::chrono_literals;

// A server that does not want all of a body says so, and ends the connection: how long its answer may take from there.
constexpr auto answer_after_failure = 500ms;
// How long one who writes may take to learn that it is over, before the body is closed under its hands.
constexpr auto patience_with_body = 50ms;

}  // namespace

// Whoever gives the body may set the trailers of the request until it has ended: they are looked at then. Those of a
// request that is passed on come with its body.
class upload::body_with_trailers {
 public:
  body_with_trailers(upload& of, io::read_closer from) : of_(of), from_(std::move(from)) {}
  io::result read(std::span<std::byte> to) {
    io::result got = from_.read(to);
    if (got.second == io::eof) {
      const auto* const passed = from_.as<passed_body>();
      of_.take_trailers(passed != nullptr ? &passed->trailer() : nullptr);
    }
    return got;
  }
  gossamer::error close() { return from_.close(); }

 private:
  upload& of_;
  io::read_closer from_;
};

namespace {

bool may_have_trailers(const request& r) { return !r.trailer.empty() || r.body.as<passed_body>() != nullptr; }

request copy_with(const request& r, io::read_closer body) {
  request copy = r;
  copy.body = std::move(body);
  return copy;
}

}  // namespace

upload::upload(const request& r, const head_options& how, const upload_rules& rules, net::conn to)
    : r_(copy_with(r, may_have_trailers(r) ? std::make_shared<body_with_trailers>(*this, r.body) : r.body)),
      rules_(rules),
      to_(std::move(to)),
      writer_(r_, how, buffer_),
      original_(&r) {
  std::tie(ctx_, cancel_) = context::with_cancel(r.context());
}

gossamer::error upload::begin(const client_trace* trace) {
  gossamer::error err = writer_.write_head(to_, ctx_);
  if (err) {
    static_cast<void>(writer_.close_body());
    tell(trace, &client_trace::wrote_request, err);
    end(err, writer_.body_has_failed());
    return err;
  }
  tell(trace, &client_trace::wrote_headers);
  if (!writer_.has_body()) {
    tell(trace, &client_trace::wrote_request, nullptr);
    end(nullptr, false);
    return nullptr;
  }
  if (rules_.expects_continue) {
    tell(trace, &client_trace::wait_100_continue);
  }
  go([self = shared_from_this(), trace] { self->run(trace); });
  return nullptr;
}

void upload::run(const client_trace* trace) {
  gossamer::error err;
  if (rules_.expects_continue) {
    if (!may_write()) {
      static_cast<void>(writer_.close_body());
      end(net::canceled, false);
      return;
    }
  }
  err = writer_.write_body(to_, ctx_);
  tell(trace, &client_trace::wrote_request, err);
  end(err, writer_.body_has_failed());
}

bool upload::may_write() {
  const std::lock_guard hold(lock_);
  changed_.wait_until(lock_, {rules_.continue_timeout, ctx_}, [&] { return asked_ || answered_ || stopped_; });
  if (answered_ || stopped_ || ctx_.err()) {
    return false;
  }
  state_ = state::writes;
  return true;
}

// Whoever waits for the answer waits no longer than it is worth it.
void upload::end(gossamer::error err, bool body_failed) {
  cancel_();
  const std::lock_guard hold(lock_);
  state_ = state::done;
  err_ = std::move(err);
  body_failed_ = body_failed;
  if (!answered_ && (err_ || rules_.answer_timeout.count() > 0)) {
    const time::duration left = !err_         ? rules_.answer_timeout
                                : body_failed ? 0ns
                                              : time::duration(answer_after_failure);
    static_cast<void>(to_.set_read_deadline(time::now() + left));
    limits_answer_ = true;
  }
  if (answered_ && body_failed_) {
    cut_now(to_);  // the server waits for what will not come
  }
  changed_.broadcast();
}

void upload::take_trailers(const http::header* of_body) {
  const std::lock_guard hold(lock_);
  r_.trailer = of_body != nullptr ? *of_body : original_ != nullptr ? original_->trailer : late_trailer_;
}

gossamer::error upload::body_error() {
  const std::lock_guard hold(lock_);
  return is_done() && body_failed_ ? err_ : nullptr;
}

bool upload::has_failed() {
  const std::lock_guard hold(lock_);
  return is_done() && err_;
}

void upload::go_on() {
  const std::lock_guard hold(lock_);
  asked_ = true;
  changed_.broadcast();
}

void upload::answered() {
  const std::lock_guard hold(lock_);
  answered_ = true;
  if (const request* const original = std::exchange(original_, nullptr); !is_done() && !original->trailer.empty()) {
    late_trailer_ = original->trailer;
  }
  if (limits_answer_) {
    static_cast<void>(to_.set_read_deadline(nullptr));
  }
  changed_.broadcast();
}

bool upload::finish(time::duration patience) {
  std::unique_lock hold(lock_);
  if (changed_.wait_for(lock_, patience, [&] { return is_done(); })) {
    return !err_;
  }
  stopped_ = true;
  changed_.broadcast();
  hold.unlock();
  cancel_();
  hold.lock();
  if (!changed_.wait_for(lock_, patience_with_body, [&] { return is_done(); })) {
    hold.unlock();
    static_cast<void>(writer_.close_body());
    hold.lock();
    changed_.wait(lock_, [&] { return is_done(); });
  }
  return false;
}

}  // namespace gossamer::inline v0::http
