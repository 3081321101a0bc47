// server_state: what a server shares with its connections, which may outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "gossamer/http/server.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"
#include "http/error_log.hpp"

namespace gossamer::inline v0::http {

class connection;

// A server's fields, as they were when it began to serve on a listener.
struct serving {
  http::handler handler;
  time::duration read_timeout, read_header_timeout, write_timeout, idle_timeout;
  std::size_t max_header_bytes, max_header_value_count;
  log_function error_log;
  std::function<void(const net::conn&, http::conn_state)> conn_state;
  std::function<context::context(const context::context&, const net::conn&)> conn_context;
  bool general_options;
  context::context base;  // with the server in it
  std::shared_ptr<server_state> state;
};

// Where a connection is, for who wants to end it.
enum class phase : std::uint8_t {
  created,  // nothing has come yet
  active,
  idle,  // between two requests: may be ended by whoever changes it to `ended`
  ended,
};

// A connection's place in the list of its server. The connection's own fiber takes it out.
struct conn_record {
  conn_record* next = nullptr;
  conn_record* previous = nullptr;
  net::conn conn;
  std::atomic<phase> at{phase::created};
  std::chrono::steady_clock::time_point since = time::now();
};

struct server_state {
  sync::mutex lock;
  // Under the lock.
  std::vector<net::listener> listeners;
  std::vector<std::function<void()>> on_shutdown;
  conn_record* first = nullptr;
  std::size_t conns = 0;
  std::size_t serves = 0;  // calls of serve()
  // Signalled when a connection or a serve() has ended.
  sync::cond changed;

  std::atomic<bool> in_shutdown{false};
  std::atomic<bool> keep_alives{true};

  // Before the first byte is read. False: the server is shutting down, and the connection is not taken.
  bool enter(conn_record& r);
  void leave(conn_record& r);
  // No connection is taken from now on.
  void begin_shutdown();
  // Ends those that no request is on; all of them where `all` says so. Returns how many connections are left.
  std::size_t end_idle(bool all);
};

}  // namespace gossamer::inline v0::http
