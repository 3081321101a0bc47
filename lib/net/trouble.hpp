// trouble: why an operation did not do what it should, before it is an error that names the connection.
#pragma once

#include <cassert>
#include <cstdint>

#include "gossamer/net/error.hpp"

namespace gossamer::inline v0::net {

struct [[nodiscard]] trouble {
  enum class kind : std::uint8_t {
    none,
    shut,  // on this side
    timed_out,
    ended,    // by its stop
    refused,  // by the kernel: see code
    at_end,   // of the stream
    pipe_closed,
  };
  kind why = kind::none;
  int code = 0;                // errno
  const char* call = nullptr;  // which system call

  explicit operator bool() const noexcept { return why != kind::none; }

  static trouble of(const char* call, int code) noexcept {
    assert(call != nullptr && code > 0);
    return {kind::refused, code, call};
  }
  // The error of a call that takes `end`. nil for none.
  error err(const ending& end) const;
};

}  // namespace gossamer::inline v0::net
