// late_trailers: trailers that are set while the body is read, for a copy of the request.
#pragma once

#include <memory>

#include "gossamer/http/request.hpp"

namespace gossamer::inline v0::http {

// From now on the copy gets the trailers of the request that was given, when the body of the copy is read to its end,
// and by who reads that. Until end(), from where on neither of the two is looked at.
class late_trailers {
 public:
  late_trailers() noexcept = default;
  late_trailers(const request& given, request& copy);
  late_trailers(const late_trailers&) = delete;
  late_trailers& operator=(const late_trailers&) = delete;
  late_trailers& operator=(late_trailers&&) noexcept = default;
  ~late_trailers() { end(); }
  void end();

 private:
  class ending_body;
  std::shared_ptr<ending_body> body_;  // null: none can come
};

}  // namespace gossamer::inline v0::http
