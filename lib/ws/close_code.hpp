// close_code: which codes there are, and how they are called.
#pragma once

#include <string>
#include <string_view>

#include "gossamer/ws/close.hpp"

namespace gossamer::inline v0::ws {

// Whether a code may stand in a close frame.
bool is_sendable(status_code code) noexcept;
// `StatusGoingAway`, `StatusCode(4000)`.
std::string code_name(status_code code);
// What a close frame has. `reason` fits.
std::string close_payload(status_code code, std::string_view reason);

}  // namespace gossamer::inline v0::ws
