#include "gossamer/http/response_writer.hpp"

#include <array>
#include <memory>

#include "gossamer/io.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel not_supported{"feature not supported"};
constinit const errors::sentinel content_length_exceeded{"http: wrote more than the declared Content-Length"};
constinit const errors::sentinel body_not_allowed{"http: request method or response status code does not allow body"};
constinit const errors::sentinel connection_hijacked{"http: connection has been hijacked"};

response_writer::~response_writer() = default;

io::copied response_writer::read_from(const io::reader& from) {
  constexpr std::size_t piece = std::size_t{32} << 10U;
  const auto room = std::make_unique_for_overwrite<std::byte[]>(piece);
  std::int64_t all = 0;
  for (;;) {
    const auto [n, read_err] = from.read(std::span(room.get(), piece));
    if (n > 0) {
      const auto [written, err] = write_bytes({room.get(), n});
      all += static_cast<std::int64_t>(written);
      if (err) {
        return {all, err};
      }
    }
    if (read_err) {
      return {all, read_err == io::eof ? gossamer::error() : read_err};
    }
  }
}

gossamer::error response_writer::flush() { return not_supported; }
std::pair<net::conn, gossamer::error> response_writer::hijack() { return {nullptr, not_supported}; }
gossamer::error response_writer::set_read_deadline(net::time_point) { return not_supported; }
gossamer::error response_writer::set_write_deadline(net::time_point) { return not_supported; }
gossamer::error response_writer::enable_full_duplex() { return not_supported; }

void response_writer::request_too_large() {
  if (response_writer* const inner = unwrap()) {
    inner->request_too_large();
  }
}

namespace {

// Asks each writer in turn.
template <class Call>
auto first_that_can(response_writer* w, const Call& call) {
  for (;;) {
    auto result = call(*w);
    if constexpr (std::is_same_v<decltype(result), gossamer::error>) {
      if (result != not_supported) {
        return result;
      }
    } else {
      if (result.second != not_supported) {
        return result;
      }
    }
    response_writer* const inner = w->unwrap();
    if (inner == nullptr) {
      return result;
    }
    w = inner;
  }
}

}  // namespace

gossamer::error response_controller::flush() const {
  return first_that_can(w_, [](response_writer& w) { return w.flush(); });
}
std::pair<net::conn, gossamer::error> response_controller::hijack() const {
  return first_that_can(w_, [](response_writer& w) { return w.hijack(); });
}
gossamer::error response_controller::enable_full_duplex() const {
  return first_that_can(w_, [](response_writer& w) { return w.enable_full_duplex(); });
}
gossamer::error response_controller::set_read(net::time_point when) const {
  return first_that_can(w_, [when](response_writer& w) { return w.set_read_deadline(when); });
}
gossamer::error response_controller::set_write(net::time_point when) const {
  return first_that_can(w_, [when](response_writer& w) { return w.set_write_deadline(when); });
}

}  // namespace gossamer::inline v0::http
