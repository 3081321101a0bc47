// http/pprof: the debug pages: what the fibers of a live process are at, over HTTP.
// Source: Go's net/http/pprof. Differs: nothing is registered by an include; the pages answer requests from this
// machine only, unless they are asked not to; of the profiles there are those of fibers, and with them a page that
// shows them live, and metrics.
//
//   http::pprof::register_default();                // on the default serve_mux
//   http::pprof::handle(mux);                       // on another
//   go tool pprof http://localhost:6060/debug/pprof/goroutine
//
// Who may see the pages may see names of functions and files, labels, and the command line. So a request is refused
// (403, and a sentence that says how to allow it) unless it comes over a loopback address or a unix socket; and over
// the former, unless its Host is `localhost`, a name below it, or a loopback address: a page of somebody else's in a
// browser on this machine cannot reach these by a name of its own that leads here. One that says that a proxy has
// passed it on (Forwarded, X-Forwarded-For, X-Real-IP, Via) is refused too; a proxy on this machine that sets none of
// these, and passes a Host of this machine on, lets everybody in. options::allow_remote allows all of them:
// then the program must see to who is let in.
#pragma once

#include <string_view>

#include "../detail/config.hpp"
#include "handler.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http::pprof {

// Who may look.
struct options {
  // Answer whoever asks.
  bool allow_remote = false;
};

// The handlers, to be mounted one by one; all answer GET, and look at no method.

// `/debug/pprof/`: the list of profiles; and below it each profile by its name, as profile() does.
[[nodiscard]] GOSSAMER_API handler index(options how = {});

// One profile:
//   goroutine, fiber  all fibers. ?debug=0 (or without it): the gzipped protocol buffer for `go tool pprof`; 1: each
//                     distinct stack with a count; 2: each fiber with its stack
//   goroutineleak     in the same forms those that leak::report() proves to be lost
//   leaks             leak::report() as text; ?format=json: groups, with their fibers, and cycles
//   fibers.json       debug::format::json; ?state=waiting, ?reason=, ?name=, ?id=7, ?min_wait=5s and ?leaked=true
//                     let fewer through
//   fibers.folded     debug::format::folded, for flame graphs
//   cmdline           the program's arguments, with a NUL between them
// Another name: 404 `Unknown profile`, with the field `X-Go-Pprof: 1`. ?seconds=: 400, for none has a difference.
// Fibers go on while they are looked at. An answer is sent piece by piece.
[[nodiscard]] GOSSAMER_API handler profile(std::string_view name, options how = {});

// `/debug/pprof/cmdline`.
[[nodiscard]] GOSSAMER_API handler cmdline(options how = {});

// `/metrics`: debug::read_metrics() in Prometheus' text format 0.0.4. ?workers=1: each worker's own counts instead of
// their sums.
[[nodiscard]] GOSSAMER_API handler metrics(options how = {});

// `/debug/fibers`: a page that shows the fibers, by state over time, in a table and by their stacks, what each waits
// for and who holds that, and which have leaked. It is complete without scripts; with them it renews itself from
// `pprof/fibers.json` and `pprof/leaks` beside it. Of the table the first 500 rows: ?q=, ?state=, ?min=5s, ?sort=
// choose them.
[[nodiscard]] GOSSAMER_API handler fibers(options how = {});

// All of them at their usual places, with the default mux. Panics where something is there already.
GOSSAMER_API void register_default(options how = {});
// With another: anything that has handle(pattern, handler).
template <class Mux>
void handle(Mux&& mux, options how = {}) {
  mux.handle("GET /debug/pprof/", index(how));
  mux.handle("GET /debug/fibers", fibers(how));
  mux.handle("GET /metrics", metrics(how));
}

}  // namespace gossamer::inline v0::http::pprof
