// http/max_bytes: bounds the bodies of requests.
// Source: Go's http.MaxBytesReader, MaxBytesHandler and MaxBytesError.
#pragma once

#include <cstdint>
#include <string>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../io/interfaces.hpp"
#include "handler.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

// Of a read beyond the limit: `http: request body too large`.
class GOSSAMER_API max_bytes_error final : public errors::base {
 public:
  explicit max_bytes_error(std::int64_t limit) noexcept : limit_(limit) {}
  std::int64_t limit() const noexcept { return limit_; }
  std::string text() const override { return "http: request body too large"; }

 private:
  std::int64_t limit_;
};

// Reads `from`, up to n bytes; where there are more, it fails with a max_bytes_error and tells `w`, by which the
// connection ends with this answer; the status is the handler's. close() closes `from`. Refers to `w`.
// r.body = http::max_bytes_reader(w, r.body, 1 << 20);
[[nodiscard]] GOSSAMER_API io::read_closer max_bytes_reader(response_writer& w, io::read_closer from, std::int64_t n);

// h, to which each request's body is bounded so. The body is put back when h has returned or thrown.
[[nodiscard]] GOSSAMER_API handler max_bytes_handler(handler h, std::int64_t n);

}  // namespace gossamer::inline v0::http
