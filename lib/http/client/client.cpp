#include "gossamer/http/client.hpp"

#include <memory>
#include <utility>

#include "gossamer/http/transport.hpp"
#include "http/client/call.hpp"
#include "http/client/new_request.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel use_last_response{"net/http: use last response"};

namespace {

round_trip_result begin(const client& c, std::string_view method, std::string_view url,
                        std::string_view content_type = {}, const outgoing_body& body = {}) {
  auto r = std::make_shared<request>();
  if (const gossamer::error err = fill_request(*r, method, url)) {
    return {{}, err};
  }
  set_body(*r, body);
  if (method == "POST") {
    r->header.set("Content-Type", content_type);
  }
  return call(c, std::move(r)).run();
}

}  // namespace

round_trip_result client::do_(const request& r) const { return call(*this, std::make_shared<request>(r), &r).run(); }

round_trip_result client::get(std::string_view url) const { return begin(*this, "GET", url); }
round_trip_result client::head(std::string_view url) const { return begin(*this, "HEAD", url); }

round_trip_result client::post(std::string_view url, std::string_view content_type, const outgoing_body& body) const {
  return begin(*this, "POST", url, content_type, body);
}

round_trip_result client::post_form(std::string_view url, const values& data) const {
  return post(url, "application/x-www-form-urlencoded", data.encode());
}

void client::close_idle_connections() const {
  if (transport) {
    transport.close_idle_connections();
  } else {
    default_transport()->close_idle_connections();
  }
}

client& default_client() {
  static client& own = *new client;
  return own;
}

round_trip_result get(std::string_view url) { return default_client().get(url); }
round_trip_result head(std::string_view url) { return default_client().head(url); }
round_trip_result post(std::string_view url, std::string_view content_type, const outgoing_body& body) {
  return default_client().post(url, content_type, body);
}
round_trip_result post_form(std::string_view url, const values& data) { return default_client().post_form(url, data); }

}  // namespace gossamer::inline v0::http
