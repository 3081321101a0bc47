#include "http/client/call.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "gossamer/http/transport.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net/conn.hpp"
#include "http/ascii.hpp"
#include "http/client/body_length.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

// Of a redirect's body so much is read that the connection can be used again.
constexpr std::int64_t max_drained_bytes = 2048;

// `GET` as `Get`.
std::string op_of(std::string_view method) {
  if (method.empty()) {
    return "Get";
  }
  std::string op(method);
  if (std::ranges::all_of(op, [](char c) { return c >= ' ' && c <= '~'; })) {
    std::transform(op.begin() + 1, op.end(), op.begin() + 1, lower);
  }
  return op;
}

std::string without_password(const url& u) {
  std::string text = u.text();
  if (u.user && u.user->password()) {
    const std::string secret = u.user->text() + '@';
    if (const std::size_t at = text.find(secret); at != text.npos) {
      text.replace(at, secret.size(), u.user->username() + ":***@");
    }
  }
  return text;
}

}  // namespace

call::call(const client& c, std::shared_ptr<request> first, const request* given)
    : client_(c),
      op_(op_of(first->method)),
      context_(first->context()),
      can_send_again_(first->get_body || body_length(*first) == 0),
      now_(std::move(first)) {
  if (c.timeout > time::duration(0)) {
    limit_ = time_limit(context_, c.timeout);
  }
  if (given != nullptr) {
    late_ = late_trailers(*given, *now_);
  }
}

gossamer::error call::fail(const gossamer::error& why, std::string url) const {
  return url_error(op_, std::move(url), why);
}

round_trip_result call::run() {
  for (;;) {
    if (const gossamer::error err = send()) {
      return {{}, fail(err, without_password(now_->url))};
    }
    const redirection to = redirection_of(answer_.status_code, now_->method, can_send_again_);
    if (!to.follows) {
      return finish();
    }
    body_ = nullptr;  // whoever has sent it closes it, and may still be at it
    keeps_body_ = keeps_body_ && to.keeps_body;
    if (std::optional<round_trip_result> end = follow(to)) {
      return std::move(*end);
    }
  }
}

carried_fields& call::carried() {
  if (!carried_) {
    carried_.emplace(first(), static_cast<bool>(client_.jar));
  }
  return *carried_;
}

url call::cookie_url() const {
  url u = now_->url;
  if (!now_->host.empty()) {
    u.host = now_->host;
  }
  return u;
}

// What is added to the request is not carried to those that follow.
void call::prepare() {
  const bool signs = now_->url.user && now_->header.get("Authorization").empty();
  if (signs || client_.jar) {
    static_cast<void>(carried());
  }
  if (signs) {
    const userinfo user = *now_->url.user;
    now_->set_basic_auth(user.username(), user.password().value_or(""));
  }
  if (limit_) {
    now_->set_context(limit_.context());
  }
}

gossamer::error call::exchange() {
  gossamer::error err;
  std::tie(answer_, err) =
      client_.transport ? client_.transport.round_trip(*now_) : default_transport()->round_trip(*now_);
  late_.end();
  if (err) {
    return limit_.explain(err, "exceeded while awaiting headers");
  }
  return complete(answer_);
}

gossamer::error call::complete(response& answer) const {
  if (answer.body) {
    return nullptr;
  }
  if (answer.content_length > 0 && now_->method != "HEAD") {
    return errors::make("http: RoundTripper implementation returned a *Response with content length ",
                        answer.content_length, " but a nil Body");
  }
  answer.body = no_body();
  return nullptr;
}

// The answer to now_ is answer_.
gossamer::error call::send() {
  if (!now_->request_uri.empty()) {
    static_cast<void>(now_->body.close());
    return errors::make("http: Request.RequestURI can't be set in client requests");
  }
  prepare();
  std::optional<url> place;
  if (client_.jar) {
    place = cookie_url();
    for (const cookie& c : client_.jar.cookies(*place)) {
      now_->add_cookie(c);
    }
  }
  if (const gossamer::error err = exchange()) {
    return err;
  }
  body_ = std::exchange(now_->body, nullptr);
  answer_.request = now_;
  if (place) {
    if (const std::vector<cookie> set = answer_.cookies(); !set.empty()) {
      client_.jar.set_cookies(*place, set);
    }
  }
  return nullptr;
}

round_trip_result call::finish() {
  // A connection that is the caller's own from here on has no limit any more.
  if (limit_ && answer_.body.as<net::conn>() == nullptr) {
    answer_.body = limited_body(std::move(answer_.body), std::move(limit_));
    limit_ = time_limit();
  }
  return {std::move(answer_), nullptr};
}

// What the call returns, if it does not go on.
std::optional<round_trip_result> call::follow(const redirection& to) {
  const std::string location(answer_.header.get("Location"));
  if (location.empty()) {
    return finish();
  }
  if (const gossamer::error err = make_next(to, location)) {
    static_cast<void>(answer_.body.close());
    return round_trip_result({}, fail(err, without_password(sent_.back()->url)));
  }
  const gossamer::error err = check(*now_);
  if (err == use_last_response) {
    static_cast<void>(now_->body.close());
    return finish();
  }
  end_answer();
  if (err) {
    static_cast<void>(now_->body.close());
    return round_trip_result(std::move(answer_), fail(err, location));
  }
  return std::nullopt;
}

// now_ becomes the next request.
gossamer::error call::make_next(const redirection& to, std::string_view location) {
  auto [place, err] = now_->url.parse(location);
  sent_.push_back(now_);
  if (err) {
    return errors::make("failed to parse Location header ", quote(location), ": ", err.text());
  }
  const auto next = std::make_shared<request>();
  next->method = to.method;
  next->response = std::make_shared<const response>(answer_);
  next->set_context(context_);
  // A host that the caller has chosen is good for this place, too, where the redirect names none.
  if (!now_->host.empty() && now_->host != now_->url.host) {
    if (const auto [as_given, bad] = parse_url(location); !bad && !as_given.is_abs()) {
      next->host = now_->host;
    }
  }
  next->url = std::move(place);
  now_ = next;
  if (keeps_body_ && first().get_body) {
    std::tie(next->body, err) = first().get_body();
    if (err) {
      return err;
    }
    next->get_body = first().get_body;
    next->content_length = first().content_length;
  }
  carry_fields(*next);
  return nullptr;
}

void call::carry_fields(request& next) {
  const url& from = first().url;
  // Once they are not told they never are again.
  if (with_secrets_ && from.host != next.url.host) {
    with_secrets_ = may_know_secrets(from, next.url);
  }
  carried().forget_cookies_of(answer_);
  carried().copy_to(next.header, with_secrets_, keeps_body_);
  const std::string referer = referer_of(sent_.back()->url, next.url, next.header.get("Referer"));
  if (!referer.empty()) {
    next.header.set("Referer", referer);
  }
}

gossamer::error call::check(request& next) const {
  if (!client_.check_redirect) {
    return check_redirects(sent_.size());
  }
  std::vector<const request*> via;
  for (const std::shared_ptr<request>& r : sent_) {
    via.push_back(r.get());
  }
  return client_.check_redirect(next, via);
}

void call::end_answer() {
  if (answer_.content_length <= max_drained_bytes) {
    io::copy_n(io::discard, answer_.body, max_drained_bytes);
  }
  static_cast<void>(answer_.body.close());
}

}  // namespace gossamer::inline v0::http
