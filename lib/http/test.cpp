#include "gossamer/http/test.hpp"

#include <charconv>
#include <memory>
#include <utility>

#include "gossamer/http/sniff.hpp"
#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/tls/state.hpp"
#include "http/ascii.hpp"
#include "http/quote.hpp"
#include "http/trailers.hpp"

namespace gossamer::inline v0::http::test {

gossamer::error recorder::flush() {
  if (!wrote_) {
    write_header(status_ok);
  }
  flushed = true;
  return nullptr;
}

io::result recorder::write_bytes(std::span<const std::byte> from) {
  if (!wrote_) {
    if (!header_.has("Content-Type") && header_.get("Transfer-Encoding").empty()) {
      header_.set("Content-Type", detect_content_type(from));
    }
    write_header(status_ok);
  }
  body.append(reinterpret_cast<const char*>(from.data()), from.size());
  if (code < 200 || code == status_no_content || code == status_not_modified) {
    return {0, body_not_allowed};
  }
  return {from.size(), nullptr};
}

void recorder::write_status(int status, here) {
  if (wrote_) {
    return;
  }
  if (status < 100 || status > 999) {
    panic("invalid WriteHeader code " + std::to_string(status));
  }
  if (status < 200 && status != status_switching_protocols) {
    before.push_back({status, header_});
    return;
  }
  wrote_ = true;
  code = status;
  sent_ = header_;
}

result recorder::result() const {
  test::result r;
  r.status_code = code;
  const std::string_view reason = status_text(code);
  r.status = std::to_string(code) + (reason.empty() ? "" : " ") + std::string(reason);
  r.header = sent();
  r.body = body;
  const std::string_view length = trim(r.header.get("Content-Length"));
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(length.data(), length.data() + length.size(), n);
  r.content_length = ec == std::errc() && end == length.data() + length.size() && n >= 0 ? n : -1;
  for (const auto& [name, value] : trailers_of(header_, r.header)) {
    r.trailer.add(name, value);
  }
  return r;
}

request new_request(std::string_view method, std::string_view target, io::reader body) {
  const auto bad = [](const std::string& why) { panic("invalid NewRequest arguments; " + why); };
  request r;
  r.method = method.empty() ? "GET" : method;
  if (!is_token(r.method)) {
    bad("invalid method " + quote(r.method));
  }
  if (const auto blank = target.find(' '); blank != target.npos) {  // what is behind it would be the version
    bad("malformed HTTP version " + quote(std::string(target.substr(blank + 1)) + " HTTP/1.0"));
  }
  const bool only_authority = r.method == "CONNECT" && !target.starts_with('/');
  auto [u, err] = parse_request_uri(only_authority ? "http://" + std::string(target) : std::string(target));
  if (err) {
    bad(err.text());
  }
  if (only_authority) {
    u.scheme.clear();
  }
  r.host = u.host.empty() ? "example.com" : u.host;
  r.url = std::move(u);
  r.request_uri = target;
  // Of the addresses that are set aside for documentation, RFC 5737.
  r.remote_addr = "192.0.2.1:1234";
  if (target.starts_with("https://")) {
    auto state = std::make_shared<tls::connection_state>();
    state->version = 0x0303;
    state->handshake_complete = true;
    state->server_name = r.host;
    r.tls = std::move(state);
  }
  r.content_length = body ? -1 : 0;
  r.body = io::nop_closer(body ? std::move(body) : io::reader(std::make_unique<io::string_reader>(std::string())));
  return r;
}

request new_request(std::string_view method, std::string_view target, std::string_view body) {
  request r = new_request(method, target, io::reader(std::make_unique<io::string_reader>(std::string(body))));
  r.content_length = static_cast<std::int64_t>(body.size());
  return r;
}

request new_request_with_context(context::context ctx, std::string_view method, std::string_view target,
                                 std::string_view body) {
  request r = new_request(method, target, body);
  r.set_context(std::move(ctx));
  return r;
}

}  // namespace gossamer::inline v0::http::test
