// client_watch: the context of a request, and who ends it when the client goes away.
#pragma once

#include <atomic>

#include "gossamer/context.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/sync/wait_group.hpp"
#include "http/input.hpp"

namespace gossamer::inline v0::http {

// While the handler works, and all of the request has been read, nobody reads from the connection: then a fiber of its
// own does, and learns of the client's end. It begins only where the request's context is asked for. Of one
// request after the other; begin(), request_is_read() and client_has_gone() by any fiber until end().
class client_watch {
 public:
  explicit client_watch(input& in) noexcept : in_(in) {}

  // Makes the context.
  context::context begin(const context::context& parent);
  // Nothing of the request is left to be read.
  void request_is_read();
  // Who has read from the connection has found its end: the context ends.
  void client_has_gone();
  // The handler has returned: the context ends. When it returns nobody reads any more.
  void end();
  // The connection is handed over: nobody reads any more, and the context stays as it is.
  void leave();

 private:
  void start();
  void stop();

  input& in_;
  sync::mutex guard_;
  bool left_ = false;  // guarded by guard_: the connection is somebody else's
  context::cancel_func cancel_;
  context::context reading_;
  context::cancel_func stop_;
  sync::wait_group fiber_;
};

}  // namespace gossamer::inline v0::http
