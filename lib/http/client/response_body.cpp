#include "http/client/response_body.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "gossamer/errors.hpp"
#include "http/client/traced.hpp"
#include "http/cut_now.hpp"

namespace gossamer::inline v0::http {

namespace {

using namespace std::chrono_literals;

constinit const errors::sentinel read_on_closed{"http: read on closed response body"};

// Of a body that is closed before its end so much is read and thrown away, in so much time. Source: Go's.
constexpr std::int64_t most_dropped = std::int64_t{256} << 10;
constexpr auto drop_time = 50ms;
// How long a request may still be on its way when its answer has been read.
constexpr auto send_time = 50ms;

}  // namespace

void exchange_rest::finish() {
  if (!conn->reader.may_be_reused() || closes || (sending && !sending->finish(send_time))) {
    abandon();
    return;
  }
  sending = nullptr;
  conn->settle();
  const gossamer::error err = conn.give_back();
  if (err != keep_alives_disabled) {
    tell(context_client_trace(ctx), &client_trace::put_idle_conn, err);
  }
}

void exchange_rest::abandon() {
  if (const std::shared_ptr<upload> sent = std::exchange(sending, nullptr)) {
    cut_now(conn->conn());
    sent->finish(0ns);
  }
  conn.end();
}

// Nobody is there whom what a trace's function throws could reach.
response_body::~response_body() {
  try {
    close();
  } catch (...) {
  }
}

exchange_rest response_body::take() {
  context::stop_func stop;
  exchange_rest rest;
  {
    const std::lock_guard hold(guard_);
    stop = std::exchange(stop_watching_, nullptr);
    rest = std::move(rest_);
  }
  if (stop) {
    stop();
  }
  return rest;
}

void response_body::watch_context() {
  const context::context& ctx = rest_.ctx;
  if (net::ending(ctx).stop().core() == nullptr) {
    return;
  }
  context::stop_func stop = context::after_func(ctx, [self = weak_from_this()] {
    if (const std::shared_ptr<response_body> body = self.lock()) {
      body->end_by_context();
    }
  });
  const std::lock_guard hold(guard_);
  stop_watching_ = std::move(stop);
}

// Whoever reads learns it by himself.
void response_body::end_by_context() {
  const std::lock_guard hold(reading_);
  if (!why_) {
    why_ = context::cause(rest_.ctx);
    take().abandon();
  }
}

io::result response_body::read(std::span<std::byte> to) {
  const std::lock_guard hold(reading_);
  if (closed_.load()) {
    return {0, read_on_closed};
  }
  if (why_ || to.empty()) {
    return {0, why_};
  }
  return read_some(to);
}

// Under reading_.
io::result response_body::read_some(std::span<std::byte> to) {
  response_reader& from = rest_.conn->reader;
  const net::ending end(rest_.ctx);
  auto [n, err] = end.stop().is_set() ? io::result(0, end.err()) : from.read_body(to, end);
  if (from.body_is_done()) {
    why_ = io::eof;
    take().finish();
    return {n, n > 0 ? gossamer::error() : why_};
  }
  if (err) {
    why_ = name(err);
    take().abandon();
  }
  return {n, n > 0 ? gossamer::error() : why_};
}

// Why a read has failed: what has made it fail, rather than what that looks like on the connection.
gossamer::error response_body::name(const gossamer::error& err) const {
  if (closed_.load()) {
    return read_on_closed;
  }
  if (rest_.ctx.err()) {
    return context::cause(rest_.ctx);
  }
  gossamer::error of_sending = rest_.sending ? rest_.sending->body_error() : nullptr;
  return of_sending ? of_sending : err;
}

gossamer::error response_body::close() {
  if (closed_.exchange(true)) {
    return nullptr;
  }
  if (!reading_.try_lock()) {
    {
      const std::lock_guard hold(guard_);
      if (rest_.conn) {
        cut_now(conn_);
      }
    }
    reading_.lock();
  }
  const std::lock_guard hold(reading_, std::adopt_lock);
  if (!why_) {
    why_ = read_on_closed;
    exchange_rest rest = take();
    if (drain(rest)) {
      rest.finish();
    } else {
      rest.abandon();
    }
  }
  return nullptr;
}

bool response_body::drain(exchange_rest& rest) {
  response_reader& from = rest.conn->reader;
  if (rest.closes || from.body_left() > most_dropped || rest.ctx.err()) {
    return false;
  }
  static_cast<void>(conn_.set_read_deadline(time::now() + drop_time));
  std::byte dropped[4096];
  for (std::int64_t left = most_dropped; left >= 0 && !from.body_is_done();) {
    const auto [n, err] = from.read_body(dropped, net::ending(rest.ctx));
    if (err && err != io::eof) {
      return false;
    }
    left -= static_cast<std::int64_t>(n);
  }
  static_cast<void>(conn_.set_read_deadline(nullptr));
  return from.body_is_done();
}

}  // namespace gossamer::inline v0::http
