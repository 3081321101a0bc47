#include "http/client/request_check.hpp"

#include <algorithm>
#include <string_view>

#include "gossamer/errors.hpp"
#include "http/ascii.hpp"
#include "http/field_faults.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

constinit const errors::sentinel no_host{"http: no Host in request URL"};

// The value itself may be secret.
gossamer::error check_fields(const header& fields, std::string_view what) {
  for (const header::field& f : fields) {
    if (!is_token(f.name)) {
      return errors::make("net/http: invalid ", what, " field name ", quote(f.name));
    }
    if (!is_field_value(f.value)) {
      return errors::make("net/http: invalid ", what, " field value for ", quote(f.name));
    }
  }
  return nullptr;
}

// There are no other names than ASCII's: whoever has one encodes it.
gossamer::error check_host(std::string_view host) {
  if (!std::ranges::all_of(host, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    return errors::make("http: host ", quote(host), " is not ASCII");
  }
  return nullptr;
}

}  // namespace

gossamer::error check_request(const request& r) {
  if (gossamer::error err = check_fields(r.header, "header")) {
    return err;
  }
  if (gossamer::error err = check_fields(r.trailer, "trailer")) {
    return err;
  }
  if (r.url.scheme != "http" && r.url.scheme != "https") {
    return errors::make("unsupported protocol scheme ", quote(r.url.scheme));
  }
  if (!r.method.empty() && !is_token(r.method)) {
    return errors::make("net/http: invalid method ", quote(r.method));
  }
  if (r.url.host.empty()) {
    return no_host;
  }
  if (gossamer::error err = check_host(r.url.host)) {
    return err;
  }
  if (gossamer::error err = check_host(r.host)) {
    return err;
  }
  if (r.content_length != 0 && !r.body) {
    return errors::make("http: Request.ContentLength=", r.content_length, " with nil Body");
  }
  return nullptr;
}

}  // namespace gossamer::inline v0::http
