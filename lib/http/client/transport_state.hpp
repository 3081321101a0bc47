// transport_state: what a transport is, once it is used: its fields do not count any more.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "gossamer/http/transport.hpp"
#include "gossamer/sync/once.hpp"
#include "http/client/connector.hpp"
#include "http/client/exchange.hpp"
#include "http/client/pool.hpp"

namespace gossamer::inline v0::http {

struct transport_state {
  explicit transport_state(const transport& t);

  const proxy_function proxy;
  const exchange_rules rules;
  const std::shared_ptr<pool> conns;

  // Of a request that has been checked.
  round_trip_result round_trip(const request& r);

 private:
  std::pair<lent_conn, gossamer::error> connect(const request& r, const client_trace* trace);
};

// Made with the transport, and filled by its first use.
struct transport_once {
  transport_state& of(const transport& t);

  sync::once begun;
  std::optional<transport_state> state;
  // release: pairs with the acquire of those who do not begin it.
  std::atomic<transport_state*> made = nullptr;
};

}  // namespace gossamer::inline v0::http
