// handshake: what both sides of it need. RFC 6455, 4; RFC 7692, 5 and 7.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gossamer/error.hpp"
#include "gossamer/http/header.hpp"
#include "gossamer/ws/conn.hpp"
#include "ws/deflate.hpp"

namespace gossamer::inline v0::ws {

// What Sec-WebSocket-Accept says to a key.
std::string accept_key(std::string_view key);
// `WebSocket protocol violation: WHY`
error violation(std::string_view why);
// What names neither belong to the handshake nor would break the head.
bool may_be_sent(std::string_view name);

// How to compress, and what the answer says of it: nothing where no offer can be taken.
struct agreed_deflate {
  deflate_terms terms;
  std::string answer;
};
agreed_deflate accept_deflate(const http::header& asked, compression_mode mode, std::size_t threshold);
// What a client offers; empty: nothing.
std::string offer_deflate(compression_mode mode);
// What a client takes of the answer. None: it is no answer to that offer.
std::optional<deflate_terms> answered_deflate(const http::header& answer, compression_mode mode, std::size_t threshold);

}  // namespace gossamer::inline v0::ws
