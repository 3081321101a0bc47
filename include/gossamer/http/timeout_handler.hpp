// http/timeout_handler: a bound to how long a handler may take.
// Source: Go's http.TimeoutHandler. Differs: a handler that ends when its time is over has not made it, where in Go
// either may count.
#pragma once

#include <string>

#include "../detail/config.hpp"
#include "../errors.hpp"
#include "../time.hpp"
#include "handler.hpp"

namespace gossamer::inline v0::http {

// What writes of a handler fail with whose time is over.
GOSSAMER_API extern const errors::sentinel handler_timeout;  // http: Handler timeout

// h, in a fiber of its own, with a context that ends after `limit`, and a writer that keeps the whole answer until it
// returns: it cannot flush or hijack. If it has not returned by then the answer is 503 with `body`, a page in HTML that
// says `Timeout` if that is empty; its own is dropped, and it goes on with a copy of the request. If the request's
// context ends before, as when the client has gone, it is 503 without a body, and writes fail with that context's
// error. A panic that leaves h in time goes on in the caller; a later one is dropped. One that calls runtime::goexit()
// has not returned. While h sits in a read of the request's body the 503 waits for that read, as in Go: read_timeout
// of the server ends it.
[[nodiscard]] GOSSAMER_API handler timeout_handler(handler h, time::duration limit, std::string body = {});

}  // namespace gossamer::inline v0::http
