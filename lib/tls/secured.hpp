// secured: what an encrypted net::conn refers to.
//
// The locks, in the order in which they are taken:
//   shaking_   whoever shakes hands; all others wait for it until agreed_ is set.
//   reading_   whoever reads from the connection below, for the whole of a read.
//   writing_   whoever writes to it, for the whole of a write.
//   session_guard_   for one step of the session, and never across a park: so reading and writing go on at once, and
//                    what one of them waits for below does not keep the other from the session.
// A reader may have something to say (an answer to a key update, an alert). It does not wait for writing_, since the
// writer may be waiting for a peer who reads nothing before his own write has been read: who holds writing_ looks once
// more when he has let go of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/tls/config.hpp"
#include "tls/parts.hpp"
#include "tls/records.hpp"
#include "tls/session.hpp"

namespace gossamer::inline v0::tls {

class secured final : public net::conn_interface {
 public:
  using here = std::source_location;

  // `name`: whom a client wants, where its config does not say.
  secured(net::conn below, bool server, std::shared_ptr<const config> of, std::string name);

  net::io_result read(std::span<std::byte> to, const net::ending& end, here where) override;
  net::io_result write(net::buffer from, const net::ending& end, here where) override;
  net::io_result writev(std::span<const net::buffer> from, const net::ending& end, here where) override;
  error close() override;
  error close_write() override;
  error set_deadline(net::direction which, net::time_point when) override;
  error set(net::option which, std::int64_t value) override;
  net::addr local_addr() const override { return below_.local_addr(); }
  net::addr remote_addr() const override { return below_.remote_addr(); }

  error handshake(const net::ending& end, here where);
  connection_state state();
  bool has_input();
  const net::conn& below() const noexcept { return below_; }

 private:
  error ready(const char* op, const net::ending& end, here where);
  error shake(const net::ending& end, here where);
  error prepare();
  error agree(const net::ending& end, here where);
  error ask_for_certificate();
  error log_keys(std::string lines);
  error fill(const net::ending& end, here where);
  error check_first();
  error flush(const net::ending& end, here where);
  bool take_output();
  void put_back();
  void push(const net::ending& end, here where);
  bool pass_on(const net::ending& end, here where);
  net::io_result send(parts from, const net::ending& end, here where);
  error encrypt(net::buffer part, std::size_t& owed);
  error may_write(const net::ending& end);
  error say_end();
  void let_go();
  error is_over(const char* op, const std::atomic<net::time_point>& until, const net::ending& end) const;
  error fail(const char* op, error why) const;

  const net::conn below_;
  const bool server_;
  const std::shared_ptr<const config> config_;
  const std::string name_;

  // release: pairs with the acquire of those who find that hands have been shaken.
  std::atomic<bool> agreed_ = false;
  std::atomic<bool> closed_ = false;  // nothing is published by it
  // For calls to come; the connection below has it for those that wait.
  std::atomic<net::time_point> read_until_ = net::never;
  std::atomic<net::time_point> write_until_ = net::never;

  sync::mutex shaking_;
  error refused_;  // guarded by shaking_: what the handshake has failed with

  sync::mutex reading_;
  // Guarded by reading_. What of input_ the session has not read yet is the session's.
  std::unique_ptr<std::byte[]> input_;
  std::size_t input_bytes_ = 0;
  records records_;

  sync::mutex writing_;
  // Guarded by writing_.
  std::vector<std::byte> sending_;
  std::unique_ptr<std::byte[]> gathered_;
  error broken_;  // what the first write has failed with
  bool said_end_ = false;

  sync::mutex session_guard_;
  session session_;
};

}  // namespace gossamer::inline v0::tls
