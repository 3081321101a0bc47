// session_cache: what a client_session_cache refers to.
#pragma once

#include <string>

#include "gossamer/tls/config.hpp"
#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

// Takes over the handle; if it throws, it has not. An earlier session of that place goes.
void keep_session(const client_session_cache& to, const std::string& place, SSL_SESSION* s);
// The session of that place. Null if there is none. One of TLS 1.3 is to be used once only, and is not kept any longer;
// a server of TLS 1.2 gives no other for one that was resumed.
session_ptr take_session(const client_session_cache& from, const std::string& place);
// None of that place is kept any longer.
void forget_session(const client_session_cache& in, const std::string& place) noexcept;

}  // namespace gossamer::inline v0::tls
