#include "ws/close_code.hpp"

#include <array>
#include <cstddef>

#include "gossamer/errors.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::ws {

namespace {

constexpr int first_named = 1000;
constexpr std::array<const char*, 16> names{
    "StatusNormalClosure",   "StatusGoingAway",     "StatusProtocolError",      "StatusUnsupportedData",
    "statusReserved",        "StatusNoStatusRcvd",  "StatusAbnormalClosure",    "StatusInvalidFramePayloadData",
    "StatusPolicyViolation", "StatusMessageTooBig", "StatusMandatoryExtension", "StatusInternalError",
    "StatusServiceRestart",  "StatusTryAgainLater", "StatusBadGateway",         "StatusTLSHandshake"};

}  // namespace

bool is_sendable(status_code code) noexcept {
  constexpr auto reserved = static_cast<status_code>(1004);
  if (code == reserved || code == status_code::no_status_rcvd || code == status_code::abnormal_closure) {
    return false;
  }
  const int n = static_cast<int>(code);
  return (n >= first_named && code <= status_code::bad_gateway) || (n >= 3000 && n <= 4999);
}

std::string code_name(status_code code) {
  const int n = static_cast<int>(code);
  if (n >= first_named && code <= status_code::tls_handshake) {
    return names[static_cast<std::size_t>(n - first_named)];
  }
  return "StatusCode(" + std::to_string(n) + ")";
}

std::string close_payload(status_code code, std::string_view reason) {
  const int n = static_cast<int>(code);
  std::string payload{static_cast<char>(n >> 8), static_cast<char>(n & 0xff)};
  return payload.append(reason);
}

std::string close_error::text() const {
  return "status = " + code_name(code_) + " and reason = " + http::quote(reason_);
}

status_code close_status(const error& err) {
  const auto* const e = errors::as<close_error>(err);
  return e != nullptr ? e->code() : status_code::none;
}

}  // namespace gossamer::inline v0::ws
