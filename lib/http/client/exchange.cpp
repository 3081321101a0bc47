#include "http/client/exchange.hpp"

#include <chrono>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/http/status.hpp"
#include "http/ascii.hpp"
#include "http/client/time_limit.hpp"
#include "http/client/traced.hpp"
#include "http/client/uncompressed_body.hpp"
#include "http/cut_now.hpp"
#include "http/field_lists.hpp"

namespace gossamer::inline v0::http {

namespace {

// How long a request may still be on its way when its server has switched protocols.
constexpr auto switch_time = std::chrono::seconds(1);

bool asks_for_switch(const http::header& h) noexcept { return !upgrade_type(h).empty(); }

gossamer::error broken(gossamer::error err) {
  return errors::wrap(std::move(err), "net/http: HTTP/1.x transport connection broken");
}

}  // namespace

exchange::exchange(const request& r, const exchange_rules& rules, const client_trace* trace, lent_conn c)
    : r_(r), rules_(rules), trace_(trace), was_reused_(c->is_reused) {
  rest_.conn = std::move(c);
  rest_.ctx = r.context();
}

exchange::~exchange() {
  if (rest_.sending) {
    rest_.abandon();
  }
}

round_trip_result exchange::run() {
  response answer;
  const gossamer::error of_sending = send();
  const gossamer::error of_reading = of_sending ? gossamer::error() : read_head(answer);
  if (of_sending || of_reading) {
    return {response(), fail(of_sending, of_reading)};
  }
  if (const gossamer::error err = finish(answer)) {
    return {response(), err};
  }
  return {std::move(answer), nullptr};
}

// ---- the request ----------------------------------------------------------------------------------------------------

head_options exchange::options() {
  const bool wants_close = r_.close || lists_token(r_.header, "Connection", "close");
  rest_.closes = wants_close || (rules_.disable_keep_alives && !asks_for_switch(r_.header));
  expects_continue_ = r_.body && has_token(r_.header.get("Expect"), "100-continue");
  asks_gzip_ = !rules_.disable_compression && r_.header.get("Accept-Encoding").empty() &&
               r_.header.get("Range").empty() && r_.method != "HEAD";
  const made_conn& to = rest_.conn->made;
  if (!to.proxy_authorization.empty()) {
    extra_.set("Proxy-Authorization", to.proxy_authorization);
  }
  return {.absolute_form = to.to_proxy,
          .asks_gzip = asks_gzip_,
          .closes = rest_.closes,
          .waits_for_continue = expects_continue_,
          .extra = extra_.empty() ? nullptr : &extra_};
}

gossamer::error exchange::send() {
  persistent_conn& c = *rest_.conn;
  const head_options how = options();
  request_writer writer(r_, how, c.buffer);
  if (!writer.goes_with_head()) {
    rest_.sending = std::make_shared<upload>(r_, how,
                                             upload_rules{.expects_continue = expects_continue_,
                                                          .continue_timeout = rules_.expect_continue_timeout,
                                                          .answer_timeout = rules_.response_header_timeout},
                                             c.conn());
    return rest_.sending->begin(trace_);
  }
  gossamer::error err = writer.write_head(c.conn(), rest_.ctx);
  static_cast<void>(writer.close_body());
  if (err) {
    body_failed_ = writer.body_has_failed();
    wrote_nothing_ = !writer.has_sent() && !body_failed_;
  } else {
    tell(trace_, &client_trace::wrote_headers);
    if (rules_.response_header_timeout.count() > 0) {
      static_cast<void>(c.conn().set_read_deadline(detail::after(time::now(), rules_.response_header_timeout)));
      limits_answer_ = true;
    }
  }
  tell(trace_, &client_trace::wrote_request, err);
  return err;
}

// ---- the answer's head ----------------------------------------------------------------------------------------------

gossamer::error exchange::read_head(response& into) {
  persistent_conn& c = *rest_.conn;
  on_1xx_function hook;
  if (trace_ != nullptr || expects_continue_) {
    hook = [this](int code, const http::header& fields) { return on_1xx(code, fields); };
  }
  gossamer::error err =
      c.reader.read_head(into, r_.method == "HEAD", rules_.max_response_header_bytes, hook, rest_.ctx);
  if (!err && !std::exchange(has_told_first_byte_, true)) {
    tell(trace_, &client_trace::got_first_response_byte);
  }
  return err;
}

gossamer::error exchange::on_1xx(int code, const http::header& fields) {
  if (!std::exchange(has_told_first_byte_, true)) {
    tell(trace_, &client_trace::got_first_response_byte);
  }
  if (code == 100 && rest_.sending && expects_continue_) {
    tell(trace_, &client_trace::got_100_continue);
    rest_.sending->go_on();
  }
  if (trace_ == nullptr || !trace_->got_1xx_response) {
    return nullptr;
  }
  rest_.conn->reader.count_anew();
  return trace_->got_1xx_response(code, fields);
}

gossamer::error exchange::fail(const gossamer::error& of_sending, const gossamer::error& of_reading) {
  answered_ = rest_.conn->reader.got_first_byte();
  send_failed_ = rest_.sending && rest_.sending->has_failed();
  cut_now(rest_.conn->conn());
  if (rest_.sending) {
    rest_.sending->finish(time::duration(0));
    body_failed_ = rest_.sending->body_failed();
    wrote_nothing_ = of_sending && !rest_.sending->has_sent() && !body_failed_;
  }
  got_nothing_ = of_reading && !answered_ && !of_reading.timeout() && !body_failed_ && !rest_.ctx.err();
  gossamer::error err = name(of_sending, of_reading);
  rest_.abandon();
  return err;
}

// The first thing that went wrong, as Go says it.
gossamer::error exchange::name(const gossamer::error& of_sending, const gossamer::error& of_reading) {
  if (rest_.ctx.err()) {
    return context::cause(rest_.ctx);
  }
  if (of_sending) {
    return wrote_nothing_ || body_failed_ ? of_sending : broken(of_sending);
  }
  if (body_failed_) {
    return rest_.sending->err();
  }
  if (send_failed_ && of_reading.timeout()) {
    return broken(rest_.sending->err());
  }
  if (of_reading.timeout() && rules_.response_header_timeout.count() > 0) {
    return timeout_error("net/http: timeout awaiting response headers");
  }
  return answered_ ? broken(of_reading) : of_reading;
}

// ---- what follows ---------------------------------------------------------------------------------------------------

// What is not over when the protocol is switched has to be sent before anything else is.
gossamer::error exchange::give_away(response& answer) {
  if (rest_.sending && !rest_.sending->finish(switch_time)) {
    rest_.abandon();
    return broken(errors::make("protocols were switched before the request was sent"));
  }
  rest_.sending = nullptr;
  answer.body = rest_.conn.release();
  return nullptr;
}

gossamer::error exchange::finish(response& answer) {
  persistent_conn& c = *rest_.conn;
  answer.tls = c.made.tls;
  rest_.closes = rest_.closes || answer.close || answer.status_code < 200 || r_.method == "CONNECT";
  const bool switches = answer.status_code == status_switching_protocols && asks_for_switch(answer.header);
  if (rest_.sending) {
    if (switches) {
      rest_.sending->go_on();
    }
    rest_.sending->answered();
  }
  if (limits_answer_) {
    static_cast<void>(c.conn().set_read_deadline(nullptr));
  }
  if (switches) {
    return give_away(answer);
  }
  if (c.reader.body_is_done()) {
    rest_.finish();
    answer.body = no_body();
    return nullptr;
  }
  auto body = std::make_shared<response_body>(std::move(rest_));
  body->watch_context();
  if (asks_gzip_ && same_name(answer.header.get("Content-Encoding"), "gzip")) {
    answer.header.del("Content-Encoding");
    answer.header.del("Content-Length");
    answer.content_length = -1;
    answer.uncompressed = true;
    answer.body = std::make_shared<uncompressed_body>(std::move(body));
  } else {
    answer.body = std::move(body);
  }
  return nullptr;
}

}  // namespace gossamer::inline v0::http
