// call: what one call of a client is: a request, those that redirects lead to, and what comes of them.
// Source: Go's Client.do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/http/client.hpp"
#include "http/client/late_trailers.hpp"
#include "http/client/redirect.hpp"
#include "http/client/time_limit.hpp"

namespace gossamer::inline v0::http {

class call {
 public:
  // `first` is the call's own: a copy of `given`, if there is one. That and `c` outlive it.
  call(const client& c, std::shared_ptr<request> first, const request* given = nullptr);
  call(const call&) = delete;
  call& operator=(const call&) = delete;
  ~call() { limit_.end(); }

  round_trip_result run();

 private:
  gossamer::error send();
  gossamer::error exchange();
  void prepare();
  url cookie_url() const;
  carried_fields& carried();
  gossamer::error complete(response& answer) const;

  std::optional<round_trip_result> follow(const redirection& to);
  gossamer::error make_next(const redirection& to, std::string_view location);
  void carry_fields(request& next);
  gossamer::error check(request& next) const;
  void end_answer();

  round_trip_result finish();
  gossamer::error fail(const gossamer::error& why, std::string url) const;
  const request& first() const noexcept { return sent_.empty() ? *now_ : *sent_.front(); }

  const client& client_;
  const std::string op_;
  const context::context context_;
  // The first one's body, or there is none.
  const bool can_send_again_;
  time_limit limit_;
  // What has been sent before now_; those have no body any more.
  std::vector<std::shared_ptr<request>> sent_;
  std::shared_ptr<request> now_;
  // Of the first one, until it is answered.
  late_trailers late_;
  // now_'s, which the answer's request does not keep.
  io::read_closer body_;
  response answer_;
  std::optional<carried_fields> carried_;
  bool keeps_body_ = true;
  bool with_secrets_ = true;
};

}  // namespace gossamer::inline v0::http
