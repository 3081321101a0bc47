// mime_header: the fields before the content of a part. Source: Go's textproto.Reader.ReadMIMEHeader. Differs: where
// the message ends among them, it is io::unexpected_eof.
#pragma once

#include <cstdint>
#include <utility>

#include "gossamer/error.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/io/buffered.hpp"

namespace gossamer::inline v0::http {

// What a message may keep in memory still. Below 0: too much.
struct mime_limits {
  std::int64_t bytes;
  std::int64_t fields;
};

// Up to the empty line. `malformed MIME header line: "X"` and the like; multipart::message_too_large beyond the limits.
std::pair<header, gossamer::error> read_mime_header(io::buffered_reader& from, mime_limits limits);

}  // namespace gossamer::inline v0::http
