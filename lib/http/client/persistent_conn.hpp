// persistent_conn: a connection to a server, with what has been read ahead from it. Nobody watches it while it is idle.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gossamer/net/conn.hpp"
#include "gossamer/time.hpp"
#include "gossamer/tls.hpp"
#include "http/client/response_reader.hpp"
#include "http/input.hpp"

namespace gossamer::inline v0::http {

struct pool_host;  // pool.hpp

// What there is to know of a connection that has been made.
struct made_conn {
  net::conn conn;
  // Requests name their hosts in their targets, and say this in Proxy-Authorization.
  bool to_proxy = false;
  std::string proxy_authorization;
  // null: in the clear.
  std::shared_ptr<const tls::connection_state> tls;
};

// Belongs to one fiber, or to the pool.
class persistent_conn {
 public:
  explicit persistent_conn(made_conn m) : made(std::move(m)), in(made.conn), reader(in) {}
  persistent_conn(const persistent_conn&) = delete;
  persistent_conn& operator=(const persistent_conn&) = delete;
  ~persistent_conn();

  const net::conn& conn() const noexcept { return made.conn; }
  // Of one that has been idle: whether the server has kept it, and has said nothing meanwhile.
  bool is_quiet();
  // Whether a read would not wait, which it is asked without reading. Empty: nobody knows.
  std::optional<bool> has_input() const;
  // Before it may be idle for long: gives memory back that only large messages need.
  void settle();
  // Once; it is not closed with this one then. Nothing that was read ahead is lost.
  net::conn release();

  made_conn made;
  input in;
  response_reader reader;
  std::string buffer;  // of heads that are written

  // The pool's, and its lock's.
  pool_host* host = nullptr;
  bool is_reused = false;
  bool was_idle = false;  // before this request
  time::time_point idle_since;
  // Of one element: moved into the pool's list of all that are idle, and back.
  std::list<persistent_conn*> place = {this};
  std::list<persistent_conn*>::iterator at = place.begin();

 private:
  bool answers_nothing(time::duration wait);
  bool released_ = false;
};

}  // namespace gossamer::inline v0::http
