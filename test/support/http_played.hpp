// http_played: a round_tripper that asks a handler, without a connection, and remembers what it was asked.
#pragma once

#include <gossamer/http/round_tripper.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/io.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace support {

// For one fiber at a time. A client is given its address.
class played {
 public:
  using handler = std::function<void(gossamer::http::response_writer& w, gossamer::http::request& r)>;
  explicit played(handler h) : handler_(std::move(h)) {}

  struct question {
    std::string method, url, host;
    gossamer::http::header header;
    std::string body;
    std::string field(const char* name) const { return std::string(header.get(name)); }
  };
  std::vector<question> asked;
  // Bodies of answers.
  int closed = 0;
  std::size_t bytes_read = 0;

  gossamer::http::round_trip_result round_trip(const gossamer::http::request& r) {
    question& q = asked.emplace_back(r.method, r.url.text(), r.host, r.header);
    if (r.body) {
      q.body = gossamer::io::read_all(r.body).first;
      r.body.close();
    }
    gossamer::http::request copy(r);
    gossamer::http::test::recorder w;
    handler_(w, copy);
    return {answer_of(w.result()), nullptr};
  }

 private:
  // In place, for the handles that a body is.
  struct answer_body {
    answer_body(played& p, std::string text) : owner(p), rest(std::move(text)) {}
    gossamer::io::result read(std::span<std::byte> to) {
      auto r = rest.read(to);
      owner.bytes_read += r.first;
      return r;
    }
    gossamer::error close() {
      owner.closed++;
      return nullptr;
    }
    played& owner;
    gossamer::io::string_reader rest;
  };

  gossamer::http::response answer_of(gossamer::http::test::result r) {
    gossamer::http::response a;
    a.status = std::move(r.status);
    a.status_code = r.status_code;
    a.header = std::move(r.header);
    a.content_length = r.content_length;
    a.body = std::make_shared<answer_body>(*this, std::move(r.body));
    return a;
  }

  const handler handler_;
};

}  // namespace support
