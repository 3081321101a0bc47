// pool: connections that wait for requests, and requests that wait for connections.
// Source: Go's http.Transport. Differs: idle connections have one timer for all; what waits for a host stands in one
// order.
//
// A request gets the connection to its host that was idle last. Where none is, a new one is made in a fiber of its own,
// unless the host has as many as it may have; and the request takes what is there first: the new one, or another one
// that has become free. The new one goes to the next then, or becomes idle.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossamer/context.hpp"
#include "gossamer/error.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/sync/cond.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "gossamer/time.hpp"
#include "http/client/connect_method.hpp"
#include "http/client/persistent_conn.hpp"

namespace gossamer::inline v0::http {

// Why a connection is not kept that never was to be; nobody is told of it.
extern const errors::sentinel keep_alives_disabled;

struct pool_limits {
  bool keeps = true;
  std::size_t idle = 0;  // 0: no limit, as below
  std::size_t idle_per_host = 2;
  std::size_t per_host = 0;
  time::duration idle_time{0};
  // How often those that are idle are looked at.
  time::duration look_time = std::chrono::seconds(30);
};

struct pool_dial;
class pool;

// A request that waits. In place, on its fiber's stack.
struct pool_waiter {
  pool_waiter(const connect_method& m, const context::context& c) noexcept : how(&m), ctx(&c) {}
  // Of one element: moved into a list of the host's, and back.
  std::list<pool_waiter*> place = {this};
  std::list<pool_waiter*>::iterator at = place.begin();
  pool_host* host = nullptr;
  const connect_method* how;
  const context::context* ctx;
  pool_dial* dial = nullptr;  // what is made for it, if something is
  std::unique_ptr<persistent_conn> conn;
  gossamer::error err;
  bool done = false;
  sync::cond ready;
};

// What belongs to the pool's lock.
// There is one as long as connections > 0 or somebody waits.
struct pool_host {
  std::string key;
  std::vector<std::unique_ptr<persistent_conn>> idle;  // the last one was used last
  std::list<pool_waiter*> served;                      // those for whom a connection is made, in order
  std::list<pool_waiter*> queued;                      // behind them: those for whom none may be made
  std::size_t connections = 0;                         // idle, in use, and being made
};

// A connection that is made.
struct pool_dial {
  pool_host* host = nullptr;
  connect_method how;
  context::context ctx;
  context::cancel_func cancel;
  pool_waiter* waiter = nullptr;  // null: it has left, or has another one
};

// A connection in use. Ends with it, unless it was given back.
class lent_conn {
 public:
  lent_conn() noexcept = default;
  lent_conn(std::shared_ptr<pool> home, std::unique_ptr<persistent_conn> conn) noexcept
      : home_(std::move(home)), conn_(std::move(conn)) {}
  lent_conn(lent_conn&&) noexcept = default;
  lent_conn& operator=(lent_conn&& other) noexcept {
    end();
    home_ = std::move(other.home_);
    conn_ = std::move(other.conn_);
    return *this;
  }
  ~lent_conn() { end(); }

  persistent_conn* operator->() const noexcept { return conn_.get(); }
  persistent_conn& operator*() const noexcept { return *conn_; }
  explicit operator bool() const noexcept { return conn_ != nullptr; }
  void end();
  // The error says why it was not kept.
  gossamer::error give_back();
  // The connection itself is somebody else's from here on.
  net::conn release();

 private:
  std::shared_ptr<pool> home_;
  std::unique_ptr<persistent_conn> conn_;
};

// By any number of fibers.
class pool : public std::enable_shared_from_this<pool> {
 public:
  using made = std::pair<std::unique_ptr<persistent_conn>, gossamer::error>;
  using dial_function = std::function<made(const connect_method& how, const context::context& ctx)>;

  pool(const pool_limits& limits, dial_function dial) : limits_(limits), dial_(std::move(dial)) {}
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool();

  // Waits for one. Error: the cause why ctx has ended; what kept it from being made.
  std::pair<lent_conn, gossamer::error> take(const connect_method& how, const context::context& ctx);
  // One that was lent: for the next. Nil: it was kept, and is null; else it is to be ended.
  gossamer::error put(std::unique_ptr<persistent_conn>& c);
  // One that was lent is no more.
  void forget(pool_host* host);
  // Those that are idle, and those that are being made for nobody.
  void close_idle();
  // The same for good: waits for the fibers that make connections. Nobody takes any more.
  void shut();

  struct counts {
    std::size_t hosts = 0, idle = 0, connections = 0, waiters = 0;
    friend bool operator==(const counts&, const counts&) = default;
  };
  counts count();

 private:
  struct hash_text : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using conns = std::vector<std::unique_ptr<persistent_conn>>;

  std::unique_ptr<persistent_conn> take_idle(std::string_view key, conns& old);  // under the lock
  std::pair<lent_conn, gossamer::error> wait(pool_waiter& w);
  void stand_first(pool_waiter& w);
  // Under the lock.
  void stand_in_line(pool_waiter& w);
  void leave(pool_waiter& w);
  void start_dial(pool_waiter& w);
  void deliver(pool_waiter& w, std::unique_ptr<persistent_conn> c, gossamer::error err);
  void forget_locked(pool_host& h);
  void drop_if_unused(pool_host& h);
  gossamer::error keep(std::unique_ptr<persistent_conn>& c, conns& ended);
  std::unique_ptr<persistent_conn> remove_idle(persistent_conn& c);
  void arm();

  void run_dial(std::list<pool_dial>::iterator d);
  void look_at_idle();
  void end_all(conns& them);

  const pool_limits limits_;
  const dial_function dial_;
  sync::wait_group dialing_;

  sync::mutex lock_;
  // Under lock_.
  bool closes_idle_ = false;  // until the next one is wanted
  bool shut_ = false;
  std::unordered_map<std::string, pool_host, hash_text, std::equal_to<>> hosts_;
  std::list<persistent_conn*> idle_;  // of all hosts, the one that was used last comes last
  std::list<pool_dial> dials_;
  time::timer timer_;
  bool armed_ = false;
};

}  // namespace gossamer::inline v0::http
