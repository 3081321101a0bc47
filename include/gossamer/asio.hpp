// asio: Boost.Asio beside fibers. The only header of the runtime's that shows Boost; it needs the Boost with which the
// library was built: with another the program does not link.
//
//   boost::asio::ip::tcp::socket s(runtime::io_context());
//   s.async_connect(server, use_fiber);                           // parks the fiber; an error is thrown
//   std::size_t n = s.async_read_some(buffer, use_fiber[ec]);     // an error goes into ec
//   boost::asio::async_write(s, data, use_fiber(ctx)[ec]);        // ends early once ctx is cancelled
//
// asio/context.hpp   runtime::io_context(), which the workers run
// asio/use_fiber.hpp use_fiber, with which any asynchronous operation is a call that blocks
// asio/executor.hpp  executor, which runs each handler in a fiber of its own; and strands of it
// asio/join.hpp      runtime::join(), for an io_context of one's own
#pragma once

#include "asio/context.hpp"    // IWYU pragma: export
#include "asio/executor.hpp"   // IWYU pragma: export
#include "asio/join.hpp"       // IWYU pragma: export
#include "asio/use_fiber.hpp"  // IWYU pragma: export
