#include "http/request_parser.hpp"

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 with a sanitizer cries wolf over boost::optional, which Beast gives a length by.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

#include "gossamer/errors.hpp"
#include "gossamer/http/status.hpp"
#include "gossamer/io.hpp"
#include "http/ascii.hpp"
#include "http/cut.hpp"

namespace gossamer::inline v0::http {

namespace beast = boost::beast::http;
using boost::system::error_code;
using text_view = boost::beast::string_view;

namespace {

// Beyond the limit of a header these are let through, as by Go, whose reader has a buffer of that size.
constexpr std::size_t slack = 4096;
// Of a line that says how long a chunk is, and of all trailers.
constexpr std::size_t longest_chunk_line = 4096;
// How many bytes around a body's chunks are let through beyond what decent clients need.
constexpr std::uint64_t spare_overhead = 16 * 1024;

constinit const errors::sentinel malformed_chunk{"malformed chunked encoding"};
constinit const errors::sentinel chunk_line_too_long{"header line too long"};
constinit const errors::sentinel too_much_overhead{"chunked encoding contains too much non-data"};
constinit const errors::sentinel long_trailer{"http: suspiciously long trailer after chunked body"};

constexpr bool is_host_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("!$%&'()*+,-.:;=[]_~").find(c) != std::string_view::npos;
}

}  // namespace

struct request_parser::parser final : beast::basic_parser<true> {
  parser(request& into, header_limits l) noexcept : req(into), limits(l) {
    eager(false);
    body_limit(boost::none);
    header_limit(std::numeric_limits<std::uint32_t>::max());  // counted here
  }

  void refuse(int status, std::string_view detail, error_code& ec, std::string_view body = {}) {
    if (why.status == 0) {
      why.status = status;
      why.detail = detail;
      why.body = body;
    }
    ec = beast::error::bad_value;
  }

  void on_request_impl(beast::verb, text_view method, text_view target, int version, error_code&) override {
    req.method.assign(method.data(), method.size());
    req.request_uri.assign(target.data(), target.size());
    req.proto = version == 10 ? "HTTP/1.0" : "HTTP/1.1";
    req.proto_major = 1;
    req.proto_minor = version % 10;
  }

  void on_field_impl(beast::field name, text_view name_text, text_view value_text, error_code& ec) override {
    const std::string_view value(value_text.data(), value_text.size());
    const std::string_view own_name(name_text.data(), name_text.size());
    if (is_folded(own_name, value)) {
      return refuse(status_bad_request, {}, ec);
    }
    if (++values > limits.values) {
      return refuse(status_request_header_fields_too_large, {}, ec);
    }
    if (header_done) {
      req.trailer.add(own_name, value);
      return;
    }
    switch (name) {
      case beast::field::host:
        return take_host(value);
      case beast::field::transfer_encoding:
        return take_coding(value);
      case beast::field::content_length:
        if (!take_length(value, ec)) {
          return;
        }
        break;
      case beast::field::connection:
        closes = closes || has_token(value, "close");
        keeps = keeps || has_token(value, "keep-alive");
        break;
      case beast::field::expect:
        // Several are a list, as in a line of their own; none is known that has more than one thing.
        expects += expects.empty() ? "" : ", ";
        expects += value;
        break;
      case beast::field::trailer:
        return;  // they come, announced or not
      default:
        break;
    }
    req.header.add(own_name, value);
  }

  // Beast joins a value that was folded over lines elsewhere, but for one whose first lines are empty.
  bool is_folded(std::string_view name, std::string_view value) const noexcept {
    const std::less<const char*> before;
    const char* const end = name.data() + name.size();
    if (before(value.data(), end) || before(piece.data() + piece.size(), value.data())) {
      return true;
    }
    return std::string_view(end, value.data()).find('\n') != std::string_view::npos;
  }

  void take_host(std::string_view value) {
    if (++hosts == 1) {
      req.host.assign(value);
    }
  }

  void take_coding(std::string_view value) {
    codings++;
    chunked_alone = codings == 1 && same_name(value, "chunked");
  }

  // False: it is the same once more, or refused.
  bool take_length(std::string_view value, error_code& ec) {
    std::int64_t n = 0;
    const auto [rest, bad] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (value.empty() || !std::ranges::all_of(value, http::is_digit) || bad != std::errc() ||
        rest != value.data() + value.size() || (lengths > 0 && n != req.content_length)) {
      refuse(status_bad_request, {}, ec);
      return false;
    }
    req.content_length = n;
    return ++lengths == 1;
  }

  // What is asked of the header as a whole.
  void on_header_impl(error_code& ec) override {
    header_done = true;
    values = 0;
    if (codings > 0) {
      if (!chunked_alone) {
        return refuse(status_not_implemented, {}, ec, "Unsupported transfer encoding");
      }
      if (!req.proto_at_least(1, 1) || lengths > 0) {
        return refuse(status_bad_request, {}, ec);
      }
      req.transfer_encoding = "chunked";
      req.content_length = -1;
    }
    if (hosts == 0 && req.proto_at_least(1, 1) && req.method != "CONNECT") {
      return refuse(status_bad_request, "missing required Host header", ec);
    }
    if (hosts > 1) {
      return refuse(status_bad_request, "too many Host headers", ec);
    }
    if (!std::ranges::all_of(req.host, is_host_char)) {
      return refuse(status_bad_request, "malformed Host header", ec);
    }
    req.close = closes || (!req.proto_at_least(1, 1) && !keeps);
  }

  void on_chunk_header_impl(std::uint64_t size, text_view extensions, error_code& ec) override {
    chunks++;
    left = size;
    if (extensions.size() > longest_chunk_line) {
      ec = beast::error::bad_chunk_extension;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text_view body, error_code&) override {
    const std::size_t n = std::min(body.size(), to.size());
    if (n > 0) {
      std::memcpy(to.data(), body.data(), n);
    }
    to = to.subspan(n);
    data += n;
    left -= n;
    return n;
  }
  // What has no chunks is not read here, and answers are not either.
  std::size_t on_body_impl(text_view body, error_code&) override { return body.size(); }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, text_view, int, error_code&) override {}

  // Has Beast look at what is there. How much of it is used up is consumed.
  error_code put_some(input& from) {
    piece = from.unread();
    error_code ec;
    const std::size_t n = put({piece.data(), piece.size()}, ec);
    from.consume(n);
    raw += n;
    return ec;
  }

  request& req;
  header_limits limits;
  refusal why{};
  std::string_view piece;  // what is being looked at
  std::string expects{};
  std::size_t values = 0;
  std::uint64_t raw = 0;  // bytes, used up
  int hosts = 0, codings = 0, lengths = 0;
  bool chunked_alone = false, closes = false, keeps = false, header_done = false;
  // Of a chunked body: where it goes, what has come of it.
  std::span<std::byte> to{};
  std::uint64_t data = 0, chunks = 0, raw_header = 0;
  std::uint64_t left = 0;  // of the chunk that it is at
};

request_parser::parser& request_parser::its() noexcept { return *std::launder(reinterpret_cast<parser*>(storage_)); }
const request_parser::parser& request_parser::its() const noexcept {
  return *std::launder(reinterpret_cast<const parser*>(storage_));
}

void request_parser::begin(request& into, header_limits limits) {
  static_assert(sizeof(parser) <= room && alignof(parser) <= 16);
  end();
  new (storage_) parser(into, limits);
  begun_ = true;
  expect_.clear();
}

void request_parser::end() noexcept {
  if (begun_) {
    its().~parser();
    begun_ = false;
  }
}

namespace {

// Whether nothing is wrong with the line but that its version is none of ours.
bool has_other_version(std::string_view text) noexcept {
  const std::string_view line = text.substr(0, text.find('\r'));
  const auto [method, rest] = cut(line, ' ');
  const auto [target, v] = cut(rest, ' ');
  return is_token(method) && !target.empty() && v.size() == 8 && v.starts_with("HTTP/") && http::is_digit(v[5]) &&
         v[6] == '.' && http::is_digit(v[7]) && v != "HTTP/1.0" && v != "HTTP/1.1";
}

// Behind the end of a chunk's data stands the line of the last one, and what comes then are trailers.
bool at_last_chunk(std::string_view text) noexcept {
  const std::size_t digits = text.find_first_not_of("\r\n");
  const std::size_t behind = text.find_first_not_of('0', std::min(digits, text.size()));
  return digits != behind && behind != std::string_view::npos && (text[behind] == '\r' || text[behind] == ';');
}

// The shortest last chunk has five bytes: Beast is shown one when they are there.
bool may_be_short_last_chunk(std::string_view text) noexcept {
  constexpr std::size_t shortest = 5;
  const std::size_t digits = text.find_first_not_of("\r\n");
  return text.size() < shortest && digits != std::string_view::npos && text[digits] == '0';
}

}  // namespace

std::optional<bool> request_parser::put_header(input& from, refusal& why) {
  parser& p = its();
  const std::string_view before = from.unread();
  const error_code ec = p.put_some(from);
  if (ec == beast::error::need_more) {
    if (p.raw + from.unread().size() > p.limits.bytes + slack) {
      why.status = status_request_header_fields_too_large;
      return false;
    }
    return std::nullopt;
  }
  if (ec) {
    if (p.why.status == 0) {
      const bool newer = ec == beast::error::bad_version && has_other_version(before);
      p.why.status = newer ? status_http_version_not_supported : status_bad_request;
      p.why.detail = newer ? "unsupported protocol version" : "";
    }
    why = p.why;
    return false;
  }
  if (p.raw > p.limits.bytes + slack) {
    why.status = status_request_header_fields_too_large;
    return false;
  }
  p.raw_header = p.raw;
  expect_.swap(p.expects);
  return true;
}

bool request_parser::wants_keep_alive() const noexcept { return its().keeps && !its().closes; }

io::result request_parser::read_chunked(input& from, std::span<std::byte> to) {
  parser& p = its();
  const std::size_t wanted = to.size();
  p.to = to;
  for (;;) {
    if (p.is_done()) {
      return {0, io::eof};
    }
    while (from.empty() || (p.left == 0 && may_be_short_last_chunk(from.unread()))) {
      if (const gossamer::error err = from.fill()) {
        return {0, err == io::eof ? gossamer::error(io::unexpected_eof) : err};
      }
    }
    const error_code ec = p.put_some(from);
    const std::uint64_t overhead = p.raw - p.raw_header - p.data;
    if (ec == beast::error::need_more) {
      if (from.unread().size() >= longest_chunk_line) {
        return {0, at_last_chunk(from.unread()) ? gossamer::error(long_trailer) : gossamer::error(chunk_line_too_long)};
      }
      if (p.to.size() == wanted) {
        if (const gossamer::error err = from.fill()) {
          return {0, err == io::eof ? gossamer::error(io::unexpected_eof) : err};
        }
      }
    } else if (ec) {
      return {0, malformed_chunk};
    }
    if (overhead > spare_overhead + 16 * p.chunks + 2 * p.data) {
      return {0, too_much_overhead};
    }
    if (p.to.size() < wanted) {
      return {wanted - p.to.size(), nullptr};
    }
  }
}

}  // namespace gossamer::inline v0::http
