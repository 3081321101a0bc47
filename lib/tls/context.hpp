// context: what OpenSSL makes of a config, once for all connections of a side.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "gossamer/error.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/tls/config.hpp"
#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

struct config_core {
  // No other config has it, or has had it.
  const std::uint64_t number;
  config_core();

  sync::mutex guard;
  // Guarded by guard. Made by the first connection of that side.
  ssl_ctx_ptr contexts[2];

  // One write at a time goes to the key log.
  sync::mutex logging;
};

// For servers, or for clients; it lives as long as the config. May park. An error is not kept.
std::pair<SSL_CTX*, error> context_of(const config& c, bool server);

}  // namespace gossamer::inline v0::tls
