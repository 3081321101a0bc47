// How a connection over TLS begins.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "gossamer/errors.hpp"
#include "gossamer/tls.hpp"
#include "http/connection.hpp"

namespace gossamer::inline v0::http {

namespace {

// The first five bytes of a method that browsers and curl use.
bool looks_like_http(const tls::record_header_error::bytes& first) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(first.data()), first.size());
  static constexpr std::array<std::string_view, 5> begins{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"};
  return std::ranges::find(begins, text) != begins.end();
}

}  // namespace

bool connection::shake_hands() {
  time::duration limit(0);
  for (const time::duration d : {how_->read_header_timeout, how_->read_timeout, how_->write_timeout}) {
    limit = d > time::duration(0) && (limit == time::duration(0) || d < limit) ? d : limit;
  }
  arm(net::direction::read, limit);
  arm(net::direction::write, limit);
  const gossamer::error err = tls::handshake(connected());
  disarm(net::direction::read);
  disarm(net::direction::write);
  if (!err) {
    tls_ = std::make_shared<tls::connection_state>(tls::state_of(connected()));
    return true;
  }
  std::string why = err.text();
  const auto* const header = errors::as<tls::record_header_error>(err);
  if (header != nullptr && header->conn() && looks_like_http(header->record_header())) {
    static_cast<void>(
        header->conn().write("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"));
    why = "client sent an HTTP request to an HTTPS server";
  }
  log("http: TLS handshake error from " + remote_ + ": " + why);
  return false;
}

}  // namespace gossamer::inline v0::http
