// upload: a request's body on its way, written by a fiber of its own: the server may answer before all of it has come.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
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

// Shared by the fiber that writes and the one that reads the answer, then the answer's body. Of what the caller owns
// the one that writes looks at the request alone, and only for its trailers, until answered() or finish().
class upload : public std::enable_shared_from_this<upload> {
 public:
  upload(const request& r, const head_options& how, const upload_rules& rules, net::conn to);
  upload(const upload&) = delete;
  upload& operator=(const upload&) = delete;

  // Writes the head. Where the body is not written with it a fiber begins to write that.
  gossamer::error begin(const client_trace* trace);
  // The server has asked for the body.
  void go_on();
  // The answer is there. A body that still waits to be asked for is not sent.
  void answered();
  // Waits for so long until all is written, and then sees to it that nothing is written any more. Whether all was
  // written. It does not wait long for a body that neither its end nor close() keeps from being read: the fiber that
  // does so goes on alone.
  bool finish(time::duration patience);
  // By now, and by itself.
  bool has_failed();
  // Why not all was written; nil where that is not known.
  gossamer::error err();
  // It is the body's own fault.
  bool body_failed();
  // By the body's own fault, as of now; else nil.
  gossamer::error body_error();
  // Something has reached the connection. Of what begin() has done.
  bool has_sent() const noexcept { return writer_.has_sent(); }

 private:
  enum class state : std::uint8_t { waits, writes, done };
  void run(const client_trace* trace);
  bool may_write();
  bool is_done() const noexcept { return state_ == state::done; }
  void end(gossamer::error err, bool body_failed);
  void limit_answer();
  void take_trailers();
  void close_body_apart();
  void stop(std::unique_lock<sync::mutex>& hold);
  bool is_left();

  request r_;  // a copy: the answer may be read when the one that was given has gone
  context::context ctx_;
  context::cancel_func cancel_;
  const upload_rules rules_;
  const net::conn to_;
  std::string buffer_;
  request_writer writer_;

  sync::mutex lock_;
  sync::cond changed_;
  // Under lock_.
  state state_ = state::waits;
  bool asked_ = false;
  bool answered_ = false;
  bool stopped_ = false;
  bool left_ = false;           // by finish()
  bool limits_answer_ = false;  // the connection's deadline is set
  const request* original_;     // null: it may have gone
  gossamer::error err_;
  bool body_failed_ = false;
};

}  // namespace gossamer::inline v0::http
