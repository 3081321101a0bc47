// exchange: one request on one connection, up to its answer's head.
// Source: Go's persistConn.roundTrip. Differs: the asking fiber writes and reads itself; a fiber is started only for a
// body that has to be written while the answer may come.
#pragma once

#include <cstdint>
#include <memory>

#include "gossamer/http/client_trace.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response.hpp"
#include "gossamer/http/round_tripper.hpp"
#include "gossamer/time.hpp"
#include "http/client/pool.hpp"
#include "http/client/request_writer.hpp"
#include "http/client/response_body.hpp"

namespace gossamer::inline v0::http {

// A transport's fields of that name.
struct exchange_rules {
  bool disable_keep_alives = false;
  bool disable_compression = false;
  time::duration response_header_timeout{0};
  time::duration expect_continue_timeout{0};
  std::int64_t max_response_header_bytes = 0;
};

class exchange {
 public:
  exchange(const request& r, const exchange_rules& rules, const client_trace* trace, lent_conn c);
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  // A trace's function may have thrown: nothing is sent any more.
  ~exchange();

  // The answer, whose body has the connection if it is needed any longer. The request's body is closed, or will be.
  round_trip_result run();

  // What may be said of a failure, for sending the request again.
  bool was_reused() const noexcept { return was_reused_; }
  bool wrote_nothing() const noexcept { return wrote_nothing_; }
  // The connection ended before the answer's first byte.
  bool got_nothing() const noexcept { return got_nothing_; }

 private:
  head_options options();
  gossamer::error send();
  gossamer::error read_head(response& into);
  gossamer::error on_1xx(int code, const http::header& fields);
  gossamer::error fail(const gossamer::error& of_sending, const gossamer::error& of_reading);
  gossamer::error name(const gossamer::error& of_sending, const gossamer::error& of_reading);
  gossamer::error finish(response& answer);
  gossamer::error give_away(response& answer);

  const request& r_;
  const exchange_rules& rules_;
  const client_trace* const trace_;
  exchange_rest rest_;
  http::header extra_;
  bool asks_gzip_ = false;
  bool expects_continue_ = false;
  bool limits_answer_ = false;  // the connection's deadline is set
  bool has_told_first_byte_ = false;
  bool was_reused_;
  bool wrote_nothing_ = false;
  bool body_failed_ = false;
  bool send_failed_ = false;  // before the answer
  bool answered_ = false;     // its first byte has come
  bool got_nothing_ = false;
};

}  // namespace gossamer::inline v0::http
