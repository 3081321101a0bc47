// failure: OpenSSL's errors in Go's words.
#pragma once

#include <string>

#include "gossamer/error.hpp"

namespace gossamer::inline v0::tls {

// What OpenSSL calls it.
std::string error_text(unsigned long code);
// Why a session has failed.
error failure_of(unsigned long code, bool server);

}  // namespace gossamer::inline v0::tls
