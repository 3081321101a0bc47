// body_probe: whether a body has any bytes at all.
// Source: Go's transferWriter.probeRequestBody.
#pragma once

#include <cstddef>

#include "gossamer/chan.hpp"
#include "gossamer/error.hpp"
#include "gossamer/io/stream.hpp"

namespace gossamer::inline v0::http {

// What the first read of a body has returned: a byte, an error, or both.
struct first_read {
  bool has_byte = false;
  std::byte byte{};
  gossamer::error err;
};

// Reads a byte in a fiber of its own, which tells it to the channel: it may be long in coming, for who writes the body
// may wait for the answer's head before. The fiber ends when the read does.
recv_chan<first_read> begin_first_read(io::reader body);

}  // namespace gossamer::inline v0::http
