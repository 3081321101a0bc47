// The loop of a server's connection, over a connection in memory that says what the fuzzer says, in pieces of a size
// that it chooses. Whatever comes: no memory is misused, and what is answered is a row of well-formed answers.
//
// Instrumented: http/chunk_faults http/client_watch http/connection http/head_text http/header http/input http/request http/request_body
// Instrumented: http/request_parser http/server_response http/server_response_head http/url http/url_escape http/url_text
//
// The first byte says how large the pieces are (0: all at once), the second after how many answers' writes the client
// takes no more (0: it takes all).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/io.hpp"
#include "gossamer/net.hpp"
#include "gossamer/panic.hpp"
#include "http/connection.hpp"

namespace gossamer::inline v0::http {

// In place of the library's, which starts fibers: the archives are without the sanitizer, and theirs would not be told
// of their stacks. Each answer goes out by itself.
bool held_answers::hold(std::string&) { return false; }
gossamer::error held_answers::send() { return nullptr; }
void held_answers::end() {}

}  // namespace gossamer::inline v0::http

using namespace gossamer;

namespace {

struct exchange {
  std::string_view in;
  std::size_t piece = 0;
  int writes_left = 0;
  std::string out;
  std::vector<std::string> methods;  // of what has come to the handler
  bool panicked = false;
  bool cut = false;
};

class memory_conn final : public net::conn_interface {
 public:
  explicit memory_conn(exchange& with) : with_(with) {}
  net::io_result read(std::span<std::byte> to, const net::ending&, std::source_location) override {
    if (to.empty()) {
      return {0, nullptr};
    }
    if (with_.in.empty() || closed_) {
      return {0, io::eof};
    }
    const std::size_t n = std::min({to.size(), with_.in.size(), with_.piece});
    std::memcpy(to.data(), with_.in.data(), n);
    with_.in.remove_prefix(n);
    return {n, nullptr};
  }
  net::io_result write(net::buffer from, const net::ending&, std::source_location) override {
    if (closed_ || with_.writes_left == 0) {
      with_.cut = true;
      return {0, io::closed_pipe};
    }
    with_.writes_left--;
    with_.out.append(reinterpret_cast<const char*>(from.data()), from.size());
    return {from.size(), nullptr};
  }
  error close() override {
    closed_ = true;
    return nullptr;
  }
  error close_write() override { return nullptr; }
  error set_deadline(net::direction, net::time_point) override { return nullptr; }
  net::addr local_addr() const override { return net::named_addr{"memory", "here"}; }
  net::addr remote_addr() const override { return net::named_addr{"memory", "there"}; }

 private:
  exchange& with_;
  bool closed_ = false;
};

// By the target: leaves the body, says much, flushes, has trailers, takes over what was sent, gives up.
void answer(exchange& with, http::response_writer& w, http::request& r) {
  with.methods.push_back(r.method);
  const std::string_view path = r.url.path;
  if (path == "/left") {
    w.write("left");
    return;
  }
  const auto [body, err] = io::read_all(r.body);
  if (path == "/much") {
    w.write(std::string(3000, 'm'));
    w.write(std::string(9000, 'm'));
  } else if (path == "/flush") {
    w.write("a");
    w.flush();
  } else if (path == "/trailer") {
    w.header().set("Trailer", "X");
    w.write("t");
    w.header().set("X", r.trailer.get("X"));
  } else if (path == "/panic") {
    with.panicked = true;
    panic(r.host);
  } else if (path == "/none") {
    w.write_header(http::status_no_content);
    return;
  }
  for (const http::header::field& f : r.header) {
    w.header().add(f.name, f.value);
  }
  w.header().set("X-Path", r.url.path);
  w.header().del("Content-Length");
  w.header().del("Trailer");
  w.header().del("Transfer-Encoding");
  w.write(body);
}

[[noreturn]] void refuse(const char* why, const exchange& with) {
  std::fprintf(stderr, "%s; what was answered:\n%s\n", why, with.out.c_str());
  std::abort();
}

std::string_view field_of(std::string_view head, std::string_view name) {
  const std::string begin = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(begin);
  if (at == std::string_view::npos) {
    return {};
  }
  head.remove_prefix(at + begin.size());
  return head.substr(0, head.find('\r'));
}

// Takes a chunked body off.
std::string_view behind_chunks(std::string_view left, const exchange& with) {
  for (;;) {
    char* end = nullptr;
    const std::size_t n = std::strtoul(std::string(left.substr(0, 20)).c_str(), &end, 16);
    const std::size_t line = left.find("\r\n");
    if (line == std::string_view::npos || line > 16 || (n > 0 && left.size() < line + n + 4)) {
      refuse("a chunk is not whole", with);
    }
    left.remove_prefix(line + 2);
    if (n == 0) {
      const std::size_t last = left.starts_with("\r\n") ? 0 : left.find("\r\n\r\n") + 2;
      if (last > left.size()) {
        refuse("trailers have no end", with);
      }
      return left.substr(last + 2);
    }
    if (left.substr(n, 2) != "\r\n") {
      refuse("a chunk has no end", with);
    }
    left.remove_prefix(n + 2);
  }
}

void check(const exchange& with) {
  std::string_view left = with.out;
  std::size_t answered = 0;
  while (!left.empty()) {
    const std::size_t end = left.find("\r\n\r\n");
    if (!left.starts_with("HTTP/1.") || end == std::string_view::npos) {
      refuse("no answer begins here", with);
    }
    const std::string_view head = left.substr(0, end + 2);
    const std::string_view status = head.substr(9, 3);
    left.remove_prefix(end + 4);
    if (status == "100") {
      continue;
    }
    const bool handled = answered < with.methods.size();
    const bool is_head = handled && with.methods[answered] == "HEAD";
    answered++;
    if (is_head || status == "204" || status == "304") {
      continue;
    }
    if (field_of(head, "Transfer-Encoding") == "chunked") {
      left = behind_chunks(left, with);
    } else if (const std::string length(field_of(head, "Content-Length")); !length.empty()) {
      const std::size_t n = std::strtoul(length.c_str(), nullptr, 10);
      if (n > left.size()) {
        refuse("an answer is not whole", with);
      }
      left.remove_prefix(n);
    } else {
      left = {};  // until the end
    }
  }
  if (answered + (with.panicked ? 1 : 0) < with.methods.size()) {
    refuse("a request was not answered", with);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  exchange with;
  with.in = {reinterpret_cast<const char*>(data) + 2, size - 2};
  with.piece = data[0] == 0 ? size : data[0];
  with.writes_left = data[1] == 0 ? -1 : data[1];
  auto how = std::make_shared<http::serving>();
  how->handler = [&](http::response_writer& w, http::request& r) { answer(with, w, r); };
  how->max_header_bytes = 4096;
  how->max_header_value_count = 50;
  how->error_log = [](std::string_view) {};
  how->general_options = true;
  how->base = context::background();
  how->state = std::make_shared<http::server_state>();
  http::connection(how, net::make_conn<memory_conn>(with)).serve();
  if (!with.cut) {
    check(with);
  }
  return 0;
}
