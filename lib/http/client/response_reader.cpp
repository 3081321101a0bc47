#include "http/client/response_reader.hpp"

#include <algorithm>
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/http/status.hpp"
#include "gossamer/io.hpp"
#include "http/client/response_parser.hpp"

namespace gossamer::inline v0::http {

namespace {

bool allows_body(int status) noexcept {
  return status / 100 != 1 && status != status_no_content && status != status_not_modified;
}

gossamer::error unexpected_if_end(const gossamer::error& err) {
  return err == io::eof ? gossamer::error(io::unexpected_eof) : err;
}

}  // namespace

response_reader::response_reader(input& from) noexcept : from_(from) {}
response_reader::~response_reader() = default;

gossamer::error response_reader::read_head(response& into, bool is_head, std::int64_t max_header_bytes,
                                           const on_1xx_function& on_1xx, const net::ending& end) {
  framing_ = framing::none;
  keeps_alive_ = got_first_byte_ = false;
  why_ = nullptr;
  head_bytes_ = 0;
  max_header_bytes_ = max_header_bytes;
  trailer_ = into.trailer = std::make_shared<http::header>();
  for (;;) {
    if (gossamer::error err = read_one(into, end)) {
      return err;
    }
    if (into.status_code / 100 != 1 || into.status_code == status_switching_protocols) {
      begin_body(into, is_head);
      return nullptr;
    }
    if (gossamer::error err = on_1xx ? on_1xx(into.status_code, into.header) : nullptr) {
      return err;
    }
    trailer_->clear();  // what that one has announced
  }
}

gossamer::error response_reader::read_one(response& into, const net::ending& end) {
  if (gossamer::error err = read_status_line(into, end)) {
    return err;
  }
  return read_fields(into, end);
}

gossamer::error response_reader::too_many_bytes() const {
  return errors::make("net/http: server response headers exceeded ", max_header_bytes_, " bytes; aborted");
}

// Waits for more of a head.
gossamer::error response_reader::fill_head(const net::ending& end) {
  if (head_bytes_ + from_.unread().size() >= static_cast<std::uint64_t>(max_header_bytes_)) {
    return too_many_bytes();
  }
  const gossamer::error err = from_.fill(end);
  return got_first_byte_ ? unexpected_if_end(err) : err;
}

void response_reader::consume_head(std::size_t n) noexcept {
  from_.consume(n);
  head_bytes_ += n;
}

gossamer::error response_reader::read_status_line(response& into, const net::ending& end) {
  std::size_t looked_at = 0;
  std::size_t length = std::string_view::npos;
  for (;;) {
    const std::string_view unread = from_.unread();
    got_first_byte_ = got_first_byte_ || !unread.empty();
    if ((length = unread.find('\n', looked_at)) != std::string_view::npos) {
      break;
    }
    looked_at = unread.size();
    if (gossamer::error err = fill_head(end)) {
      const bool is_cut = err == io::unexpected_eof && looked_at > 0;
      const gossamer::error fault = is_cut ? parse_status_line(from_.unread(), into) : nullptr;
      return fault ? fault : err;
    }
  }
  const std::string_view line = from_.unread().substr(0, length);
  gossamer::error err = parse_status_line(line.ends_with('\r') ? line.substr(0, length - 1) : line, into);
  consume_head(length + 1);
  return err;
}

gossamer::error response_reader::read_fields(response& into, const net::ending& end) {
  if (parser_) {
    std::destroy_at(parser_.get());
    std::construct_at(parser_.get(), into, *trailer_);
  } else {
    parser_ = std::make_unique<response_parser>(into, *trailer_);
  }
  for (;;) {
    const std::size_t before = from_.unread().size();
    if (before > 0) {
      if (gossamer::error err = parser_->put_header(from_)) {
        return err;
      }
      head_bytes_ += before - from_.unread().size();
    }
    if (parser_->is_header_done()) {
      return head_bytes_ > static_cast<std::uint64_t>(max_header_bytes_) ? too_many_bytes() : nullptr;
    }
    if (gossamer::error err = fill_head(end)) {
      return err;
    }
  }
}

// How the body ends: source RFC 9112 6.3.
void response_reader::begin_body(response& into, bool is_head) {
  const bool has_body = !is_head && allows_body(into.status_code);
  if (!is_head && !has_body) {
    into.content_length = 0;
  }
  if (has_body && parser_->is_chunked()) {
    framing_ = framing::chunked;
  } else if (has_body && into.content_length < 0) {
    framing_ = framing::until_close;
    into.close = true;
  } else if (has_body && into.content_length > 0) {
    framing_ = framing::counted;
    left_ = static_cast<std::uint64_t>(into.content_length);
  }
  keeps_alive_ = parser_->keeps_alive() && into.status_code != status_switching_protocols;
}

std::int64_t response_reader::body_left() const noexcept {
  if (body_is_done()) {
    return 0;
  }
  return framing_ == framing::counted ? static_cast<std::int64_t>(left_) : -1;
}

io::result response_reader::read_body(std::span<std::byte> to, const net::ending& end) {
  if (why_) {
    return {0, why_};
  }
  if (body_is_done()) {
    return {0, io::eof};
  }
  if (to.empty()) {
    return {0, nullptr};
  }
  auto [n, err] = read_piece(to, end);
  if (err == io::eof) {
    framing_ = framing::none;
  } else if (err && !err.timeout()) {
    why_ = err;
    keeps_alive_ = false;
  }
  return {n, std::move(err)};
}

io::result response_reader::read_piece(std::span<std::byte> to, const net::ending& end) {
  if (framing_ == framing::chunked) {
    io::result got = parser_->read_chunked(from_, to, [&] { return from_.fill(end); });
    if (!got.second) {
      parser_->take_end(from_);
      framing_ = parser_->is_done() ? framing::none : framing::chunked;
    }
    return got;
  }
  if (framing_ == framing::until_close) {
    return from_.read(to, end);
  }
  auto [n, err] = from_.read(to.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, to.size()))), end);
  left_ -= n;
  if (left_ == 0) {
    framing_ = framing::none;
    return {n, nullptr};
  }
  return {n, unexpected_if_end(err)};
}

}  // namespace gossamer::inline v0::http
