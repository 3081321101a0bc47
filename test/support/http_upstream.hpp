// http_upstream: what stands in for a server behind a proxy.
#pragma once

#include <gossamer/http/response.hpp>
#include <gossamer/http/round_tripper.hpp>
#include <gossamer/io.hpp>

#include <memory>
#include <string>
#include <utility>

namespace support {

// An answer whose body is read as it comes. `length`: -1, unknown.
inline gossamer::http::response answer_of(gossamer::io::read_closer body, std::int64_t length = -1, int code = 200) {
  gossamer::http::response res;
  res.status_code = code;
  res.body = std::move(body);
  res.content_length = length;
  if (length >= 0) {
    res.header.set("Content-Length", std::to_string(length));
  }
  return res;
}

inline gossamer::http::response answer_of(std::string text, int code = 200) {
  const auto length = static_cast<std::int64_t>(text.size());
  return answer_of(gossamer::io::nop_closer(std::make_shared<gossamer::io::string_reader>(std::move(text))), length,
                   code);
}

// Keeps what it is sent, as a round_tripper does, and answers `answer`.
struct keeping_upstream {
  gossamer::http::request got;
  std::string body;
  gossamer::http::response answer = answer_of("from upstream");

  gossamer::http::round_trip_result round_trip(const gossamer::http::request& r) {
    got = r;
    if (r.body) {
      body = gossamer::io::read_all(r.body).first;
      r.body.close();
    }
    return {answer, nullptr};
  }
};

}  // namespace support
