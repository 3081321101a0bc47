// connection: reads a client's requests, one after the other, and has each answered.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gossamer/context.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/client_watch.hpp"
#include "http/held_answers.hpp"
#include "http/input.hpp"
#include "http/request_body.hpp"
#include "http/request_parser.hpp"
#include "http/server_response.hpp"
#include "http/server_state.hpp"

namespace gossamer::inline v0::http {

// Lives in the fiber that serves it.
class connection final : public context_source, public body_owner {
 public:
  connection(std::shared_ptr<const serving> how, net::conn c);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  // Until the connection ends.
  void serve();

  // For its response.
  const net::conn& connected() const noexcept { return in_.connection(); }
  // Answers that were held go first.
  gossamer::error send_held() { return held_.send(); }
  // Takes the answer, to be sent later: there is another request already.
  bool hold(std::string& answer) { return !in_.empty() && held_.hold(answer); }
  const request& current() const noexcept { return request_; }
  request_body& body() noexcept { return body_; }
  bool keep_alives_enabled() const noexcept;
  // As it was sent, whatever the handler has made of the request.
  bool is_head() const noexcept { return is_head_; }
  bool is_connect() const noexcept { return is_connect_; }
  bool wants_close() const noexcept { return wants_close_; }
  // The client of HTTP/1.0 has asked for it.
  bool wants_old_keep_alive() const noexcept { return old_keep_alive_; }
  void log(std::string_view line, std::string_view stack = {}) const { write_log(how_->error_log, line, stack); }
  std::pair<net::conn, gossamer::error> hijack();
  gossamer::error set_deadline(net::direction which, net::time_point when);

  context::context make_context() override;
  gossamer::error send_continue() override;
  void body_has_ended() override;
  void body_has_failed() override;

 private:
  enum class outcome : std::uint8_t { go_on, over };

  void set_state(http::conn_state to) const;
  void serve_requests();
  bool shake_hands();
  void begin_reading();
  bool await_request(bool first);
  // `most` of them, and counts them off.
  void skip_line_ends(std::size_t& most) noexcept;
  bool become_active();
  outcome read_request();
  outcome check_request();
  void refuse(const refusal& why);
  void give_body();
  outcome answer();
  void call_handler();
  void end_request();
  void log_if_panic(const detail::thrown& what) const;
  void arm(net::direction which, time::duration after);
  void disarm(net::direction which);
  // So that the client reads the answer before it learns that the rest of what it sends is not wanted.
  void linger() const;

  std::shared_ptr<const serving> how_;
  input in_;
  request_parser parser_;
  request request_;
  request_body body_;
  server_response response_;
  client_watch watch_;
  held_answers held_;
  conn_record record_;
  std::string remote_;
  std::shared_ptr<const tls::connection_state> tls_;  // null: in the clear
  context::context context_;                          // of the connection; made when it is asked for
  detail::reference<body_handle> handle_;
  io::read_closer no_body_;
  std::chrono::steady_clock::time_point begun_;  // where the read timeout of the request counts from
  bool is_head_ = false, is_connect_ = false, wants_close_ = false;
  bool after_post_ = false;  // the request before this one was a POST
  bool old_keep_alive_ = false;
  sync::mutex deadline_lock_;
  // Changed under the lock, together with the deadline.
  std::atomic<bool> has_read_deadline_ = false;
  std::atomic<bool> has_write_deadline_ = false;
  bool given_away_ = false;
};

}  // namespace gossamer::inline v0::http
