// response_body: an answer's body, as it comes from the connection, and what becomes of the connection then.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

#include "gossamer/context.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/client/pool.hpp"
#include "http/client/upload.hpp"

namespace gossamer::inline v0::http {

// What of an exchange goes on when the answer's head has been read.
struct exchange_rest {
  lent_conn conn;
  std::shared_ptr<upload> sending;  // null: all was sent
  context::context ctx;
  bool closes = false;  // one of the sides has said that it is the last

  // Nobody reads any more. Gives the connection back if another exchange can follow; ends it otherwise, and with it
  // what is being sent.
  void finish();
  // The same; no other can follow.
  void abandon();
};

// close() by any fiber, also while one reads.
class response_body : public std::enable_shared_from_this<response_body> {
 public:
  explicit response_body(exchange_rest rest) : rest_(std::move(rest)), conn_(rest_.conn->conn()) {}
  response_body(const response_body&) = delete;
  response_body& operator=(const response_body&) = delete;
  ~response_body();

  // The request's context ends the connection from now on, whether anybody reads or not.
  void watch_context();
  io::result read(std::span<std::byte> to);
  gossamer::error close();
  bool is_closed() const noexcept { return closed_.load(); }

 private:
  io::result read_some(std::span<std::byte> to);
  gossamer::error name(const gossamer::error& err) const;
  bool drain(exchange_rest& rest);
  exchange_rest take();
  void end_by_context();

  sync::mutex reading_;
  gossamer::error why_;  // under reading_: nothing more is read
  std::atomic<bool> closed_ = false;

  sync::mutex guard_;
  // Under guard_; whoever reads uses it without: it is taken by those who have reading_ alone.
  exchange_rest rest_;
  context::stop_func stop_watching_;  // under guard_
  const net::conn conn_;
};

}  // namespace gossamer::inline v0::http
