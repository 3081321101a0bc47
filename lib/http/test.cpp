#include "gossamer/http/test.hpp"

#include <memory>

#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"

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
    write_header(status_ok);
  }
  body.append(reinterpret_cast<const char*>(from.data()), from.size());
  return {from.size(), nullptr};
}

void recorder::write_status(int status, here) {
  if (wrote_) {
    return;
  }
  if (status < 100 || status > 999) {
    panic("invalid WriteHeader code " + std::to_string(status));
  }
  wrote_ = true;
  code = status;
  sent_ = header_;
}

request new_request(std::string_view method, std::string_view target, std::string_view body) {
  auto [u, err] = parse_request_uri(target);
  if (err) {
    panic("invalid NewRequest arguments; " + err.text());
  }
  request r;
  r.method = method.empty() ? "GET" : method;
  r.host = u.host.empty() ? "example.com" : u.host;
  r.url = std::move(u);
  r.request_uri = target;
  r.remote_addr = "192.0.2.1:1234";
  r.content_length = static_cast<std::int64_t>(body.size());
  r.body = io::nop_closer(io::reader(std::make_unique<io::string_reader>(std::string(body))));
  return r;
}

}  // namespace gossamer::inline v0::http::test
