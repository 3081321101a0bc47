// bounded: whether a body has a bound of its own. See gossamer/http/max_bytes.hpp.
#pragma once

#include "gossamer/io/interfaces.hpp"

namespace gossamer::inline v0::http {

// Whether max_bytes_reader() has made it.
bool is_bounded(const io::read_closer& body) noexcept;

}  // namespace gossamer::inline v0::http
