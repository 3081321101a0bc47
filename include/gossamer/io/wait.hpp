// io/wait: waiting for descriptors that belong to others, so that C libraries which have a non-blocking form (libpq,
// hiredis, libcurl) wait as a fiber does. Source: none of Go's; poll(2), for one descriptor.
//
//   while (PQisBusy(c) == 1) {
//     if (error err = io::wait_readable(PQsocket(c), ctx)) return err;
//     if (PQconsumeInput(c) == 0) return failed(c);
//   }
//
// Nothing is taken over: the number stays its owner's, who may be in the middle of anything with it, and who closes it;
// whether it blocks is not changed. A call says what is so (level-triggered), and forgets the descriptor: what it was
// is of no consequence for the next call, and so the number may be closed between two calls, and be given to another
// file at once. Any number of fibers may wait for the same descriptor, each for what it likes; a net::conn's and an
// os::file's own (native_handle()) is one like any other.
//
// From fibers, and from plain threads, which block meanwhile.
#pragma once

#include <source_location>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../net/error.hpp"

namespace gossamer::inline v0::io {

// What is waited for.
struct interest {
  bool readable = false;
  bool writable = false;
};

// What a descriptor is ready for, of what was asked for. An error, or a peer that has gone, makes it ready for
// everything, because a call would not block: it says so.
struct readiness {
  bool readable = false;
  bool writable = false;
  // An error is pending, or the other side has gone altogether (poll's POLLERR and POLLHUP).
  bool failed = false;
};

// Blocks until the descriptor `fd` is ready for one of what is asked for, and says for which; at once if it is so
// already. Files that never block, as regular ones and directories do not, are always ready. Another who uses the
// descriptor may be faster: then a call may block after all, unless the descriptor is one that does not.
//
// Fails
// - once `end` has ended (before and meanwhile): with `operation was canceled` or, where its deadline has passed, with
//   `i/o timeout`, which wrap the context's error;
// - with `poll: bad file descriptor` where fd is none that is open;
// - with `poll: invalid argument` where nothing is asked for;
// - with what else the kernel says, as a syscall_error: `epoll_ctl: cannot allocate memory`.
//
// Who closes the number while somebody waits for it should end that call first, by its context. It is not told of the
// close, as poll(2) is not: it ends with `poll: bad file descriptor` when the close is found out, which is when a conn
// or a pipe of this library closes its own descriptor, or when somebody else begins to block on the same number; else
// its context ends it. With the portable poller (GOSSAMER=poller=asio) it waits through a copy of the descriptor: there
// the file itself is closed when the call ends, and a call needs a free descriptor.
[[nodiscard]] GOSSAMER_API std::pair<readiness, error> wait_ready(
    int fd, interest in, const net::ending& end = {}, std::source_location where = std::source_location::current());

// The same for one: nil once fd can be read from (to the end, a connection to be accepted, and an error count)...
[[nodiscard]] GOSSAMER_API error wait_readable(int fd, const net::ending& end = {},
                                               std::source_location where = std::source_location::current());
// ... or written to: a socket that connects has done so, or failed.
[[nodiscard]] GOSSAMER_API error wait_writable(int fd, const net::ending& end = {},
                                               std::source_location where = std::source_location::current());

}  // namespace gossamer::inline v0::io
