// http/test: handlers are tested without ports.
// Source: Go's net/http/httptest. A server in memory: test_server.hpp.
//
//   http::test::recorder rec;
//   http::request r = http::test::new_request("GET", "/hello?name=x");
//   handler(rec, r);
//   CHECK(rec.code == 200);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../context.hpp"
#include "../detail/config.hpp"
#include "../io/interfaces.hpp"
#include "request.hpp"
#include "response_writer.hpp"
#include "test_server.hpp"  // IWYU pragma: export

namespace gossamer::inline v0::http::test {

// What a client would have got. A value.
struct result {
  int status_code = status_ok;
  std::string status;  // `404 Not Found`
  std::string proto = "HTTP/1.1";
  http::header header;
  std::string body;
  // As the header has it; -1: it says nothing.
  std::int64_t content_length = -1;
  http::header trailer;
};

// A response_writer that keeps what is written. Differs from Go's: 1xx are kept apart, as a server sends them, and the
// next status is the answer's.
class GOSSAMER_API recorder : public response_writer {
 public:
  // 200 until something else is said.
  int code = status_ok;
  std::string body;
  bool flushed = false;

  // What a handler has sent before its answer.
  struct informational {
    int code;
    http::header header;
  };
  std::vector<informational> before;

  http::header& header() override { return header_; }
  gossamer::error flush() override;
  // The fields as they were when the status was written, or as they are.
  const http::header& sent() const noexcept { return wrote_ ? sent_ : header_; }
  // All of it, with the trailers as they are now: after the handler.
  test::result result() const;

 protected:
  // Without a Content-Type the first piece decides it. body_not_allowed, though it is kept, with 204 and 304.
  io::result write_bytes(std::span<const std::byte> from) override;
  // Panics as a server's. Another one than the first counts for nothing.
  void write_status(int status, here where) override;

 private:
  http::header header_, sent_;
  bool wrote_ = false;
};

// A request as a server has it from a client. The target is absolute, or a path; its host is `example.com` otherwise.
// An empty method is GET; where the target begins with `https://` the request has come over TLS 1.2. Panics with
// `invalid NewRequest arguments; ` and why, where the method is no token or the target malformed.
[[nodiscard]] GOSSAMER_API request new_request(std::string_view method, std::string_view target,
                                               std::string_view body = {});
// With a body of unknown length. A nil one is none.
[[nodiscard]] GOSSAMER_API request new_request(std::string_view method, std::string_view target, io::reader body);
// With this context. Panics where it is nil.
[[nodiscard]] GOSSAMER_API request new_request_with_context(context::context ctx, std::string_view method,
                                                            std::string_view target, std::string_view body = {});

}  // namespace gossamer::inline v0::http::test
