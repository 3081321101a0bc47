#include "http/client/upload.hpp"

#include <mutex>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/go.hpp"
#include "http/client/persistent_conn.hpp"
#include "http/client/traced.hpp"
#include "http/cut_now.hpp"
#include "http/proxy/passed_body.hpp"

namespace gossamer::inline v0::http {

namespace {

using namespace std::chrono_literals;

// A server that does not want all of a body says so, and ends the connection: how long its answer may take from there.
constexpr auto answer_after_failure = 500ms;
// How long one who writes may take to learn that it is over, before the body is closed under its hands; and after that.
constexpr auto patience_with_body = 50ms;

}  // namespace

upload::upload(const request& r, const head_options& how, const upload_rules& rules, net::conn to)
    : r_(r), rules_(rules), to_(std::move(to)), writer_(r_, how, buffer_), original_(&r) {
  std::tie(ctx_, cancel_) = context::with_cancel(r.context());
}

gossamer::error upload::begin(const client_trace* trace) {
  gossamer::error err = writer_.write_head(to_, ctx_);
  if (err) {
    if (writer_.is_being_read()) {
      close_body_apart();
    } else {
      static_cast<void>(writer_.close_body());
    }
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
      if (!is_left()) {
        tell(trace, &client_trace::wrote_request, nullptr);
      }
      end(net::canceled, false);
      return;
    }
  }
  // Not by ctx_: stop() cuts the connection.
  err = writer_.write_body(to_, net::ending(r_.context()), [this] { take_trailers(); });
  if (!is_left()) {
    tell(trace, &client_trace::wrote_request, err);
  }
  end(err, writer_.body_has_failed());
}

bool upload::may_write() {
  const std::lock_guard hold(lock_);
  changed_.wait_until(lock_, {rules_.continue_timeout, ctx_}, [&] { return asked_ || answered_ || stopped_; });
  if ((answered_ && !asked_) || stopped_ || ctx_.err()) {
    return false;
  }
  state_ = state::writes;
  return true;
}

void upload::end(gossamer::error err, bool body_failed) {
  cancel_();
  const std::lock_guard hold(lock_);
  state_ = state::done;
  err_ = std::move(err);
  body_failed_ = body_failed;
  if (!stopped_) {  // else the connection is cut, or somebody else's
    limit_answer();
  }
  changed_.broadcast();
}

// Under the lock. Whoever waits for the answer waits no longer than it is worth it.
void upload::limit_answer() {
  if (answered_) {
    if (body_failed_) {
      cut_now(to_);  // the server waits for what will not come
    }
    return;
  }
  if (err_ || rules_.answer_timeout.count() > 0) {
    const time::duration left = !err_          ? rules_.answer_timeout
                                : body_failed_ ? 0ns
                                               : time::duration(answer_after_failure);
    static_cast<void>(to_.set_read_deadline(detail::after(time::now(), left)));
    limits_answer_ = true;
  }
}

// Whoever gives the body may set the trailers of the request until it has ended. Those of a request that is passed on
// come with its body.
void upload::take_trailers() {
  if (const auto* const passed = r_.body.as<passed_body>()) {
    // What is there already is the proxy's own.
    header all;
    for (const header::field& f : r_.trailer) {
      if (!f.value.empty()) {
        all.add(f.name, f.value);
      }
    }
    const header own = all;
    for (const header::field& f : passed->trailer()) {
      if (!own.has(f.name)) {
        all.add(f.name, f.value);
      }
    }
    r_.trailer = std::move(all);
    return;
  }
  const std::lock_guard hold(lock_);
  if (original_ != nullptr && !r_.trailer.empty()) {
    r_.trailer = original_->trailer;
  }
}

// Who reads from a body may keep others from closing it.
void upload::close_body_apart() {
  go([self = shared_from_this()] { static_cast<void>(self->writer_.close_body()); });
}

gossamer::error upload::err() {
  const std::lock_guard hold(lock_);
  return err_;
}

bool upload::body_failed() {
  const std::lock_guard hold(lock_);
  return body_failed_;
}

bool upload::is_left() {
  const std::lock_guard hold(lock_);
  return left_;
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
  original_ = nullptr;
  if (limits_answer_) {
    static_cast<void>(to_.set_read_deadline(nullptr));
  }
  changed_.broadcast();
}

bool upload::finish(time::duration patience) {
  const auto done = [this] { return is_done(); };
  std::unique_lock hold(lock_);
  if (!stopped_ && !changed_.wait_for(lock_, patience, done)) {
    stop(hold);
  }
  left_ = true;
  original_ = nullptr;
  return is_done() && !err_ && !stopped_;
}

// Nothing follows on the connection. Whoever still reads from the body then is left alone with it: he may do so for as
// long as he likes.
void upload::stop(std::unique_lock<sync::mutex>& hold) {
  const auto done = [this] { return is_done(); };
  stopped_ = true;
  changed_.broadcast();
  hold.unlock();
  cancel_();
  cut_now(to_);
  hold.lock();
  if (!changed_.wait_for(lock_, patience_with_body, done)) {
    hold.unlock();
    close_body_apart();
    hold.lock();
    changed_.wait_for(lock_, patience_with_body, done);
  }
}

}  // namespace gossamer::inline v0::http
