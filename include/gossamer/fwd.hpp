// fwd: the library's types by name alone, for headers that name a channel, a context or an error and use none of it.
// Includes nothing. What has default template arguments (sync::map, sync::pool, singleflight::group) is declared where
// it is defined.
#pragma once

namespace gossamer::inline v0 {

struct unit;
enum class channel_status;
template <class T>
class chan;
template <class T>
class recv_chan;
template <class T>
class send_chan;

struct selected;
class select_case;

class error;
class panic_error;
class defers;
struct options;
struct fiber_options;
template <class T>
class fiber_local;

namespace errors {
class base;
class sentinel;
}  // namespace errors

namespace wait {
class limit;
class stop;
}  // namespace wait

namespace conc {
class barrier;
}

namespace context {
class context;
class interface;
class cancel_func;
class cancel_cause_func;
class stop_func;
}  // namespace context

namespace errgroup {
class group;
}

namespace io {
class reader;
class writer;
}  // namespace io

namespace net {
class conn;
class listener;
class packet_conn;
struct dialer;
}  // namespace net

namespace os {
class command;
class file;
class signal;
}  // namespace os

namespace rate {
class limiter;
class reservation;
}  // namespace rate

namespace semaphore {
class weighted;
}

namespace sync {
class cond;
class mutex;
class once;
class rw_mutex;
class wait_group;
}  // namespace sync

namespace time {
class ticker;
class timer;
}  // namespace time

}  // namespace gossamer::inline v0
