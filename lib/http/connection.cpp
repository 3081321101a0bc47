#include "http/connection.hpp"

#include <array>
#include <chrono>
#include <mutex>
#include <utility>

#include "gossamer/debug.hpp"
#include "gossamer/defer.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/time.hpp"
#include "gossamer/tls.hpp"
#include "http/ascii.hpp"
#include "http/hijacked_conn.hpp"

namespace gossamer::inline v0::http {

connection::connection(std::shared_ptr<const serving> how, net::conn c)
    : how_(std::move(how)),
      in_(c),
      body_(in_, parser_, *this),
      response_(*this),
      watch_(in_),
      held_(in_.connection()),
      remote_(c.remote_addr().text()),
      no_body_(read_closer_of(detail::reference<body_handle>(new body_handle(nullptr)))) {
  record_.conn = std::move(c);
}

connection::~connection() = default;

void connection::set_state(http::conn_state to) const {
  if (how_->conn_state) {
    how_->conn_state(connected(), to);
  }
}

bool connection::keep_alives_enabled() const noexcept {
  const server_state& s = *how_->state;
  return s.keep_alives.load(std::memory_order_seq_cst) && !s.in_shutdown.load(std::memory_order_seq_cst);
}

void connection::arm(net::direction which, time::duration after) {
  if (after > time::duration(0)) {
    set_deadline(which, detail::after(time::now(), after));
  } else {
    disarm(which);
  }
}

void connection::disarm(net::direction which) {
  if (which == net::direction::read ? has_read_deadline_ : has_write_deadline_) {
    set_deadline(which, net::never);
  }
}

// By the handler's fibers as well: without the lock one's deadline could stay while another says that there is none.
gossamer::error connection::set_deadline(net::direction which, net::time_point when) {
  const std::lock_guard hold(deadline_lock_);
  if (which == net::direction::read) {
    has_read_deadline_ = when != net::never;
    return when == net::never ? connected().set_read_deadline(nullptr) : connected().set_read_deadline(when);
  }
  has_write_deadline_ = when != net::never;
  return when == net::never ? connected().set_write_deadline(nullptr) : connected().set_write_deadline(when);
}

void connection::serve() {
  server_state& s = *how_->state;
  if (!s.enter(record_)) {
    connected().close();
    return;
  }
  defer leave{[&] {
    end_request();
    held_.end();
    if (!given_away_) {
      connected().close();
      set_state(http::conn_state::closed);
      s.leave(record_);
    }
  }};
  // What goes wrong here (no memory, a hook that panics) costs this connection, as a handler's panic does.
  detail::thrown thrown;
  thrown.keep_from([this] { serve_requests(); });
  log_if_panic(thrown);
}

void connection::serve_requests() {
  if (how_->conn_context) {
    context_ = how_->conn_context(how_->base, connected());
    if (!context_) {
      panic("ConnContext returned nil");
    }
  }
  set_state(http::conn_state::created);
  if (tls::is_tls(connected()) && !shake_hands()) {
    return;
  }
  bool first = true;
  while (await_request(std::exchange(first, false)) && read_request() == outcome::go_on && answer() == outcome::go_on) {
    if (!keep_alives_enabled()) {
      return;
    }
    set_state(http::conn_state::idle);
  }
}

void connection::begin_reading() {
  if (how_->read_timeout > time::duration(0)) {
    begun_ = time::now();
  }
}

void connection::skip_line_ends(std::size_t& most) noexcept {
  for (; most > 0 && (in_.unread().starts_with('\r') || in_.unread().starts_with('\n')); --most) {
    in_.consume(1);
  }
}

// Waits for a request's first byte. False: the connection is over.
bool connection::await_request(bool first) {
  const time::duration idle = how_->idle_timeout != time::duration(0) ? how_->idle_timeout : how_->read_timeout;
  const time::duration header =
      how_->read_header_timeout != time::duration(0) ? how_->read_header_timeout : how_->read_timeout;
  // Some clients send a line end behind what they post. Source: Go's conn.readRequest.
  std::size_t line_ends = after_post_ ? 4 : 0;
  skip_line_ends(line_ends);
  begin_reading();
  arm(net::direction::read, first || !in_.empty() ? header : idle);
  while (in_.empty()) {
    if (!first) {
      // seq_cst, as in_shutdown's store and what end_idle() does: either it finds this one idle, or this one sees it.
      record_.at.store(phase::idle, std::memory_order_seq_cst);
      if (!keep_alives_enabled()) {
        return false;
      }
    }
    if (in_.settle()) {
      request_.header = http::header();  // its memory as well
    }
    if (held_.send() || in_.fill()) {
      return false;
    }
    skip_line_ends(line_ends);
    if (!first && !in_.empty()) {
      begin_reading();
      arm(net::direction::read, header);
    }
  }
  return true;
}

// Who ends an idle connection has changed it first: then this request is not begun.
bool connection::become_active() {
  phase was = record_.at.load(std::memory_order_relaxed);
  while (was != phase::ended && !record_.at.compare_exchange_weak(was, phase::active, std::memory_order_seq_cst)) {
  }
  if (was == phase::ended) {
    return false;
  }
  set_state(http::conn_state::active);
  return true;
}

connection::outcome connection::read_request() {
  request_.reset(this);
  response_.begin();
  parser_.begin(request_, {how_->max_header_bytes, how_->max_header_value_count});
  for (;;) {
    refusal why;
    const std::optional<bool> complete = parser_.put_header(in_, why);
    if (complete.has_value()) {
      if (!become_active()) {
        return outcome::over;
      }
      if (!*complete) {
        refuse(why);
        return outcome::over;
      }
      break;
    }
    if (held_.send() || in_.fill()) {
      become_active();       // it has begun one
      return outcome::over;  // it has gone, or is too slow: nothing to be said
    }
  }
  if (how_->read_timeout > time::duration(0)) {
    set_deadline(net::direction::read, detail::after(begun_, how_->read_timeout));
  } else {
    disarm(net::direction::read);
  }
  arm(net::direction::write, how_->write_timeout);
  return check_request();
}

// What the parser leaves to us.
connection::outcome connection::check_request() {
  old_keep_alive_ = !request_.proto_at_least(1, 1) && parser_.wants_keep_alive();
  is_connect_ = request_.method == "CONNECT";
  after_post_ = request_.method == "POST";
  const bool only_authority = is_connect_ && !request_.request_uri.starts_with('/');
  const gossamer::error err = only_authority ? parse_request_uri("http://" + request_.request_uri, request_.url)
                                             : parse_request_uri(request_.request_uri, request_.url);
  // `http:x` names no path, and `*` nothing that could be asked for.
  const bool is_odd = !request_.url.opaque.empty() || (request_.request_uri == "*" && request_.method != "OPTIONS");
  if (err || is_odd) {
    refuse({.status = status_bad_request});
    return outcome::over;
  }
  if (only_authority) {
    request_.url.scheme.clear();
  }
  if (!request_.url.host.empty()) {
    request_.host = request_.url.host;
  }
  request_.remote_addr = remote_;
  is_head_ = request_.method == "HEAD";
  wants_close_ = request_.close;
  if (tls_) {
    request_.tls = tls_;
  }
  const std::string_view expect = parser_.expect();
  const bool waits = same_name(expect, "100-continue");
  if (!expect.empty() && !waits) {
    response_.header().set("Connection", "close");
    response_.write_header(status_expectation_failed);
    response_.close_after();
    response_.finish();
    linger();
    return outcome::over;
  }
  // The body's reader, perhaps another fiber, sends `100 Continue` by itself.
  if (waits && held_.send()) {
    return outcome::over;
  }
  body_.begin(request_, waits && request_.proto_at_least(1, 1));
  give_body();
  return outcome::go_on;
}

void connection::give_body() {
  if (body_.has_ended()) {
    handle_ = nullptr;
    request_.body = no_body_;
  } else {
    handle_ = detail::reference<body_handle>(new body_handle(&body_));
    request_.body = read_closer_of(handle_);
  }
}

void connection::refuse(const refusal& why) {
  std::string status = std::to_string(why.status) + ' ' + std::string(status_text(why.status));
  if (!why.detail.empty()) {
    status += ": " + why.detail;
  }
  const std::string text = "HTTP/1.1 " + status +
                           "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
                           (why.body.empty() ? status : why.body);
  arm(net::direction::write, how_->write_timeout);
  if (!held_.send() && !connected().write(std::string_view(text)).second) {
    linger();
  }
}

void connection::linger() const {
  // As long as Go waits.
  constexpr std::chrono::milliseconds most{500};
  if (connected().close_write()) {
    return;
  }
  connected().set_read_deadline(time::now() + most);
  std::array<std::byte, 1024> dropped;
  while (!connected().read(dropped).second) {
  }
}

context::context connection::make_context() {
  if (!context_) {
    context_ = how_->base;
  }
  context::context ctx = watch_.begin(context::with_value(context_, local_addr_context_key, connected().local_addr()));
  // Another fiber may just have read its end: either that one has found the context, or this one sees the end.
  if (body_.has_ended()) {
    body_has_ended();
  }
  body_has_failed();
  return ctx;
}

gossamer::error connection::send_continue() {
  gossamer::error err = response_.send_continue();
  if (err && err != read_after_close) {
    watch_.client_has_gone();
  }
  return err;
}

// A limit of reading the request has nothing to say of how long its client stays.
void connection::body_has_ended() {
  disarm(net::direction::read);
  watch_.request_is_read();
}

void connection::body_has_failed() {
  if (in_.has_ended() || response_.has_failed()) {
    watch_.client_has_gone();
  }
}

connection::outcome connection::answer() {
  detail::thrown thrown;
  thrown.keep_from([this] { call_handler(); });
  end_request();
  log_if_panic(thrown);
  if (given_away_ || thrown) {
    return outcome::over;
  }
  const bool goes_on = response_.finish();
  if (!goes_on && (!body_.has_ended() || !in_.empty())) {
    linger();
  }
  return goes_on ? outcome::go_on : outcome::over;
}

namespace {

// Whether it was panic(abort_handler).
bool is_abort(const std::exception_ptr& e, std::string& text) {
  try {
    std::rethrow_exception(e);
  } catch (const panic_error& p) {
    text = p.text();
    const auto* const err = p.value<gossamer::error>();
    return err != nullptr && *err == abort_handler;
  } catch (const std::exception& x) {
    text = x.what();
  } catch (...) {
    text = "an exception that is no std::exception";
  }
  return false;
}

}  // namespace

void connection::call_handler() {
  if (how_->general_options && request_.method == "OPTIONS" && request_.request_uri == "*") {
    response_.header().set("Content-Length", "0");
  } else {
    how_->handler.serve_http(response_, request_);
  }
}

// The handler has returned, or left: nobody reads from the connection on its behalf any more.
void connection::end_request() {
  // Another fiber may be reading the body, and would begin to watch.
  watch_.client_has_gone();
  if (handle_) {
    handle_->detach();
    handle_ = nullptr;
  }
  watch_.end();
  request_.end();
}

void connection::log_if_panic(const detail::thrown& what) const {
  std::string text;
  if (what && !is_abort(what.exception(), text)) {
    log("http: panic serving " + remote_ + ": " + text, debug::stack_of(what));
  }
}

std::pair<net::conn, gossamer::error> connection::hijack() {
  watch_.leave();
  disarm(net::direction::read);
  disarm(net::direction::write);
  given_away_ = true;
  how_->state->leave(record_);
  set_state(http::conn_state::hijacked);
  static_cast<void>(held_.send());  // an error comes again to who writes
  net::conn c = connected();
  if (!in_.empty()) {
    c = net::make_conn<hijacked_conn>(std::move(c), std::string(in_.unread()));
    in_.consume(in_.unread().size());
  }
  return {std::move(c), nullptr};
}

}  // namespace gossamer::inline v0::http
