// asio/context: the io_context that the workers run.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/version.hpp>

#include "../detail/config.hpp"

namespace gossamer::inline v0 {

namespace detail {

// Asio is headers only: the library's code and the program's work on the same objects, whose layout is that of one
// version of Boost. The library has this function for the version that it was built with; a program that was compiled
// with another does not link, and `library_built_with_boost<108300>` is what it misses (that is 1.83).
template <int BoostVersion>
boost::asio::io_context& library_built_with_boost();
template <>
GOSSAMER_API boost::asio::io_context& library_built_with_boost<BOOST_VERSION>();

}  // namespace detail

namespace runtime {

// The io_context that the workers run: one idle worker blocks in it, busy ones ask it every 100 us or so. Objects that
// are made on it (timers, signal sets, sockets, the clients of other libraries) complete without a thread of their own.
//
// A handler runs on a worker's own stack, outside any fiber: it may spawn fibers, send to channels that have room, and
// do whatever else does not block; a blocking call panics. One that runs for long is noticed after some 10 ms; until
// then others may wait for it. An exception that leaves a handler is a fatal panic.
//
// The sockets and pipes of net and os are waited for beside it, in an epoll set that is one of its descriptors; with
// GOSSAMER=poller=asio in the environment each is waited for by an async_wait on it, with nothing that only Linux has.
//
// While the context has work, fibers that all wait are no deadlock. Do not call its run() or stop().
// Starts the runtime, if it does not run, and the io_context with the first call: throws boost::system::system_error
// where the kernel has no file descriptor left for it. From anywhere.
inline boost::asio::io_context& io_context() { return detail::library_built_with_boost<BOOST_VERSION>(); }

}  // namespace runtime

}  // namespace gossamer::inline v0
