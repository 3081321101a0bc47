// upload: a request's body on its way, written by a fiber of its own: the server may answer before all of it has come.
#pragma once

#include <memory>
#include <string>

#include "gossamer/context.hpp"
#include "gossamer/http/client_trace.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"
#include "http/client/request_writer.hpp"

namespace gossamer::inline v0::http {

struct upload_rules {
  bool expects_continue = false;
  time::duration continue_timeout{0};
  // How long the answer may take from the end of the body; 0: for ever.
  time::duration answer_timeout{0};
};

// Shared by the fiber that writes and the one that reads the answer, then the answer's body.
class upload : public std::enable_shared_from_this<upload> {
 public:
  upload(const request& r, const head_options& how, const upload_rules& rules, net::conn to);
  upload(const upload&) = delete;
  upload& operator=(const upload&) = delete;

  // Writes the head. Where the body is not written with it a fiber begins to write that.
  gossamer::error begin(const client_trace* trace);
  // The server has asked for the body.
  void go_on();
  // The answer is there, and the request that this was made from is not looked at any more. One that still waits to be
  // asked for is not sent.
  void answered();
  // Waits for so long until all is written, and then sees to it that nobody writes any more. Whether all was written.
  bool finish(time::duration patience);
  // By now, and by itself.
  bool has_failed();
  // After finish(): why not.
  const gossamer::error& err() const noexcept { return err_; }
  // It is the body's own fault.
  bool body_failed() const noexcept { return body_failed_; }
  // By the body's own fault, as of now; else nil.
  gossamer::error body_error();
  // Something has reached the connection. Of what begin() has done.
  bool has_sent() const noexcept { return writer_.has_sent(); }

 private:
  class body_with_trailers;
  void take_trailers(const http::header* of_body);
  enum class state : std::uint8_t { waits, writes, done };
  void run(const client_trace* trace);
  bool may_write();
  bool is_done() const noexcept { return state_ == state::done; }
  void end(gossamer::error err, bool body_failed);

  request r_;  // a copy: the answer may be read when the one that was given has gone
  context::context ctx_;
  context::cancel_func cancel_;
  const upload_rules rules_;
  const net::conn to_;
  std::string buffer_;
  request_writer writer_;

  sync::mutex lock_;
  sync::cond changed_;
  // Under lock_; err_ and body_failed_ are also read when finish() has returned.
  state state_ = state::waits;
  bool asked_ = false;
  bool answered_ = false;
  bool stopped_ = false;
  bool limits_answer_ = false;  // the connection's deadline is set
  const request* original_;     // null: it may have gone, and its trailers were these
  http::header late_trailer_;
  gossamer::error err_;
  bool body_failed_ = false;
};

}  // namespace gossamer::inline v0::http
