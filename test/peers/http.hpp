// http: an HTTP/1.1 client at the level of bytes: one connection, Content-Length and chunked bodies.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peers {

struct response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
  std::string body{};

  std::string header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
    return found == headers.end() ? "" : found->second;
  }
};

class http_client {
 public:
  using result = std::pair<response, gossamer::error>;

  explicit http_client(gossamer::net::conn c) : conn_(std::move(c)), in_(conn_) { in_.set_limit(64 * 1024); }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  ~http_client() { conn_.close(); }

  gossamer::error send(std::string_view method, std::string_view path) const {
    return conn_.writev({method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"}).second;
  }
  // The response to the request that was sent first, of those that have none yet.
  result receive(std::string_view method = "GET") {
    response r;
    gossamer::error err = read_head(r);
    if (!err && method != "HEAD" && r.status != 204 && r.status != 304) {
      err = r.header("transfer-encoding") == "chunked" ? read_chunks(r.body) : read_length(r);
    }
    return {std::move(r), std::move(err)};
  }
  result ask(std::string_view method, std::string_view path) {
    if (gossamer::error err = send(method, path)) {
      return {response(), std::move(err)};
    }
    return receive(method);
  }

 private:
  static gossamer::error malformed(std::string_view what) { return gossamer::errors::make("http: malformed ", what); }

  static bool parse(std::string_view text, std::size_t& n, int base) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    return problem == std::errc() && end == text.data() + text.size();
  }

  gossamer::error read_head(response& r) {
    auto [first, err] = in_.read_line();
    std::size_t status = 0;
    if (err) {
      return err;
    }
    if (!first.starts_with("HTTP/1.1 ") || !parse(std::string_view(first).substr(9, 3), status, 10)) {
      return malformed(first);
    }
    r.status = static_cast<int>(status);
    for (;;) {
      auto [line, line_err] = in_.read_line();
      if (line_err || line.empty()) {
        return line_err;
      }
      const auto colon = line.find(": ");
      if (colon == line.npos) {
        return malformed(line);
      }
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      r.headers.emplace_back(std::move(name), line.substr(colon + 2));
    }
  }

  gossamer::error read_bytes(std::string& to, std::size_t n) {
    const std::size_t before = to.size();
    to.resize(before + n);
    return gossamer::io::read_full(&in_, std::span(to).subspan(before)).second;
  }

  gossamer::error read_length(response& r) {
    std::size_t n = 0;
    return parse(r.header("content-length"), n, 10) ? read_bytes(r.body, n) : malformed("length");
  }

  gossamer::error read_chunks(std::string& body) {
    for (;;) {
      auto [line, err] = in_.read_line();
      std::size_t n = 0;
      if (err) {
        return err;
      }
      if (!parse(line, n, 16)) {
        return malformed(line);
      }
      err = read_bytes(body, n);
      if (err) {
        return err;
      }
      auto [rest, rest_err] = in_.read_line();  // the chunk's end; behind the last chunk, which is empty, the body's
      if (rest_err || n == 0) {
        return rest_err;
      }
    }
  }

  gossamer::net::conn conn_;
  gossamer::io::buffered_reader in_;
};

}  // namespace peers
