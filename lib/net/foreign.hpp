// foreign: waiting for a descriptor that belongs to somebody else. See gossamer/io/wait.hpp.
#pragma once

#include <source_location>

#include "gossamer/net/error.hpp"
#include "net/trouble.hpp"

namespace gossamer::inline v0::net {

// Waits until poll(2) reports one of `events` (POLLIN, POLLOUT), an error or a hang-up of that number: what it reports
// is in `got`.
trouble await_foreign(int number, short events, short& got, const ending& end, const std::source_location& where);

}  // namespace gossamer::inline v0::net
