// hijacked_conn: a connection that was taken from a server or a transport, with what had been read from it already.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "gossamer/net/conn.hpp"
#include "gossamer/sync/mutex.hpp"

namespace gossamer::inline v0::http {

class hijacked_conn final : public net::conn_interface {
 public:
  hijacked_conn(net::conn of, std::string first) noexcept : of_(std::move(of)), first_(std::move(first)) {}

  net::io_result read(std::span<std::byte> to, const net::ending& end, std::source_location where) override;
  net::io_result write(net::buffer from, const net::ending& end, std::source_location where) override {
    return of_.get()->write(from, end, where);
  }
  net::io_result writev(std::span<const net::buffer> from, const net::ending& end,
                        std::source_location where) override {
    return of_.get()->writev(from, end, where);
  }
  gossamer::error close() override { return of_.close(); }
  gossamer::error close_read() override { return of_.close_read(); }
  gossamer::error close_write() override { return of_.close_write(); }
  gossamer::error set_deadline(net::direction which, net::time_point when) override {
    return of_.get()->set_deadline(which, when);
  }
  net::addr local_addr() const override { return of_.local_addr(); }
  net::addr remote_addr() const override { return of_.remote_addr(); }
  gossamer::error set(net::option which, std::int64_t value) override { return of_.get()->set(which, value); }
  int native_handle() const override { return of_.native_handle(); }

  const net::conn& below() const noexcept { return of_; }
  // Leaves nothing of it.
  std::string take_ahead();

 private:
  net::conn of_;
  sync::mutex lock_;
  std::string first_;  // under the lock; what has not been read of it
};

// The connection itself, and what has been read ahead of it, which the one that is given does not have any longer.
std::pair<net::conn, std::string> take_apart(const net::conn& c);

}  // namespace gossamer::inline v0::http
