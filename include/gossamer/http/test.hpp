// http/test: handlers are tested without ports.
// Source: Go's net/http/httptest.
//
//   http::test::recorder rec;
//   http::request r = http::test::new_request("GET", "/hello?name=x");
//   handler(rec, r);
//   CHECK(rec.code == 200);
#pragma once

#include <string>
#include <string_view>

#include "../detail/config.hpp"
#include "../io/interfaces.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http::test {

// A response_writer that keeps what is written.
class GOSSAMER_API recorder : public response_writer {
 public:
  // 200 until something else is said.
  int code = status_ok;
  std::string body;
  bool flushed = false;

  http::header& header() override { return header_; }
  gossamer::error flush() override;
  // The fields as they were when the status was written: what a client would get.
  const http::header& sent() const noexcept { return wrote_ ? sent_ : header_; }

 protected:
  io::result write_bytes(std::span<const std::byte> from) override;
  void write_status(int status, here where) override;

 private:
  http::header header_, sent_;
  bool wrote_ = false;
};

// A request as a server has it from a client. The target is absolute, or a path; its host is `example.com` otherwise.
// Panics where it is malformed.
[[nodiscard]] GOSSAMER_API request new_request(std::string_view method, std::string_view target,
                                               std::string_view body = {});

}  // namespace gossamer::inline v0::http::test
