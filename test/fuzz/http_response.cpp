// The reading of answers, over a connection in memory that says what the fuzzer says: whole, and in pieces of a size
// that it chooses. Whatever comes: no memory is misused, both find the same answers, and bodies are no longer than what
// came. Bodies that say that they are gzip's are undone.
//
// Instrumented: http/chunk_faults http/field_faults http/header http/input http/quote
// Instrumented: http/client/gunzip http/client/response_parser http/client/response_reader
//
// The first byte says how large the pieces are, the second whether the requests' method was HEAD, a bit for each.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "gossamer/io.hpp"
#include "gossamer/net.hpp"
#include "http/client/gunzip.hpp"
#include "http/client/response_reader.hpp"

using namespace gossamer;

namespace {

class memory_conn final : public net::conn_interface {
 public:
  memory_conn(std::string_view in, std::size_t piece) : in_(in), piece_(piece) {}
  net::io_result read(std::span<std::byte> to, const net::ending&, std::source_location) override {
    if (to.empty() || in_.empty()) {
      return {0, in_.empty() ? error(io::eof) : error()};
    }
    const std::size_t n = std::min({to.size(), in_.size(), piece_});
    std::memcpy(to.data(), in_.data(), n);
    in_.remove_prefix(n);
    return {n, nullptr};
  }
  net::io_result write(net::buffer, const net::ending&, std::source_location) override { return {0, io::closed_pipe}; }
  error close() override { return nullptr; }
  net::addr local_addr() const override { return net::named_addr{"memory", "here"}; }
  net::addr remote_addr() const override { return net::named_addr{"memory", "there"}; }

 private:
  std::string_view in_;
  std::size_t piece_;
};

struct body_reader {
  http::response_reader* of;
  io::result read(std::span<std::byte> to) const { return of->read_body(to, net::ending()); }
};

// All answers, in a text, and whether what ended them was an error of its own.
std::string answers(std::string_view in, std::size_t piece, unsigned heads) {
  http::input from(net::make_conn<memory_conn>(in, piece));
  http::response_reader reader(from);
  std::string all;
  for (;; heads >>= 1U) {
    http::response r;
    const http::on_1xx_function none;
    if (const error err = reader.read_head(r, (heads & 1U) != 0, 20'000, none, net::ending())) {
      return all + (err == io::eof ? "" : "!");
    }
    all += r.status + '|' + std::to_string(r.content_length) + '|';
    for (const http::header::field& f : r.header) {
      all += f.name + ':' + f.value + ',';
    }
    auto [body, err] = io::read_all(body_reader{&reader});
    if (body.size() > in.size()) {
      std::abort();
    }
    all += '|' + body;
    if (r.header.get("Content-Encoding") == "gzip") {
      http::gunzip unzipped{io::reader(std::make_shared<io::string_reader>(body))};
      all += '|' + std::to_string(io::copy(io::discard, io::limit_reader(&unzipped, 1 << 20)).first);
    }
    if (err) {
      return all + "!";
    }
    for (const http::header::field& f : reader.trailer()) {
      all += '|' + f.name + ':' + f.value;
    }
    all += '\n';
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = answers(in, in.size() + 1, data[1]);
  const std::string pieces = answers(in, std::max<std::size_t>(data[0], 1), data[1]);
  if (whole != pieces) {
    std::fprintf(stderr, "whole:\n%s\nin pieces:\n%s\n", whole.c_str(), pieces.c_str());
    std::abort();
  }
  return 0;
}
