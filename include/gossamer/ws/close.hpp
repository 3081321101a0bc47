// ws/close: how a connection says that it ends.
// Source: coder/websocket's StatusCode, CloseError, CloseStatus. RFC 6455, 7.4.
#pragma once

#include <string>
#include <utility>

#include "../detail/config.hpp"
#include "../error.hpp"

namespace gossamer::inline v0::ws {

// 3000 to 3999 are for libraries, 4000 to 4999 for applications: status_code(4000).
enum class status_code : int {
  none = -1,  // what close_status() says of other errors
  normal_closure = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status_rcvd = 1005,    // never sent: a close without a code
  abnormal_closure = 1006,  // never sent
  invalid_frame_payload_data = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  // never sent
};

// The peer has closed the connection: `status = StatusNormalClosure and reason = "bye"`.
class GOSSAMER_API close_error final : public errors::base {
 public:
  close_error(status_code code, std::string reason) : code_(code), reason_(std::move(reason)) {}
  status_code code() const noexcept { return code_; }
  const std::string& reason() const noexcept { return reason_; }
  std::string text() const override;

 private:
  status_code code_;
  std::string reason_;
};

// The code of the close_error that err is or wraps; status_code::none where there is none.
[[nodiscard]] GOSSAMER_API status_code close_status(const error& err);

}  // namespace gossamer::inline v0::ws
