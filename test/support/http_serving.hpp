// http_serving: clients that send servers what they like, and read what these answer.
#pragma once

#include <gossamer/http/server.hpp>
#include <gossamer/io.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"
#include "http/connection.hpp"
#include "http_served.hpp"

namespace support {

// A server whose clients may stay: it ends all at once.
class rough_served : public served {
 public:
  using served::served;
  ~rough_served() { srv.close(); }
};

// What a connection needs to know of its server, without one.
inline std::shared_ptr<gossamer::http::serving> serving_of(gossamer::http::handler h) {
  auto how = std::make_shared<gossamer::http::serving>();
  how->handler = std::move(h);
  how->max_header_bytes = std::size_t{1} << 20;
  how->max_header_value_count = 500;
  how->error_log = [](std::string_view) {};
  how->general_options = true;
  how->base = gossamer::context::background();
  how->state = std::make_shared<gossamer::http::server_state>();
  return how;
}

// ---- answers --------------------------------------------------------------------------------------------------------

// All answers that a connection has given, in short: of 200 the body, of 1xx the number alone, of others the number and
// the body; ` | ` between them, and `...` where the last is not whole.
inline std::string in_short(std::string_view all) {
  std::string text;
  for (bool first = true; !all.empty(); first = false) {
    text += first ? "" : " | ";
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos || !all.starts_with("HTTP/1.")) {
      return text + "...";
    }
    const std::string_view head = all.substr(0, end + 2);
    const std::string_view status = head.substr(9, 3);
    all.remove_prefix(end + 4);
    text += status == "200" ? std::string() : std::string(status);
    if (status.starts_with('1')) {
      continue;
    }
    const std::string length(field_of(head, "Content-Length"));
    const std::size_t n = length.empty() ? all.size() : std::strtoul(length.c_str(), nullptr, 10);
    text += (status == "200" || n == 0 ? "" : " ") + std::string(all.substr(0, n));
    if (all.size() < n) {
      return text + "...";
    }
    all.remove_prefix(n);
  }
  return text;
}

// Sends it, reads until the end, and closes. `ends`: nothing follows, and the server is told so.
inline std::string ask(const gossamer::net::conn& c, std::string_view request, bool ends = false) {
  c.set_deadline(std::chrono::steady_clock::now() + patience);
  c.write(request);  // what is refused may not be read to its end
  if (ends) {
    c.close_write();
  }
  auto [all, err] = read_all(c);
  c.close();
  return err && err.timeout() ? all + "(is open)" : all;
}

// The same, of a connection in memory that gives the server `piece` bytes at a time. `ends`: the client goes away when
// all is sent; what it would have been told is not known then.
inline std::string ask_in_pieces(const std::shared_ptr<gossamer::http::serving>& how, std::string_view request,
                                 std::size_t piece) {
  auto [client, server] = gossamer::net::pipe();
  std::string all;
  crew fibers;
  fibers.go([&how, server = server] { gossamer::http::connection(how, server).serve(); });
  fibers.go([client = client, request, piece] {
    for (std::size_t at = 0; at < request.size(); at += piece) {
      if (client.write(request.substr(at, piece)).second) {
        return;
      }
    }
  });
  client.set_read_deadline(std::chrono::steady_clock::now() + patience);
  gossamer::error err;
  std::tie(all, err) = read_all(client);
  client.close();
  fibers.join();
  return err && err.timeout() ? all + "(is open)" : all;
}

}  // namespace support
