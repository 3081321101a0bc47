#include "http/request_parser.hpp"

#include <new>

#include "gossamer/http/status.hpp"
#include "http/announced_trailers.hpp"
#include "http/ascii.hpp"
#include "http/cut.hpp"
#include "http/field_lists.hpp"
#include "http/host_text.hpp"
#include "http/message_parser.hpp"

namespace gossamer::inline v0::http {

namespace {

// Beyond the limit of a header these are let through, as by Go, whose reader has a buffer of that size.
constexpr std::size_t slack = 4096;

}  // namespace

struct request_parser::parser final : message_parser<true> {
  parser(request& into, header_limits l) noexcept : req(into), limits(l) {}

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
    const std::string_view value = view_of(value_text);
    const std::string_view own_name = view_of(name_text);
    if (is_folded(own_name, value)) {
      return refuse(status_bad_request, {}, ec);
    }
    if (++values > limits.values) {
      return refuse(status_request_header_fields_too_large, {}, ec);
    }
    if (header_done) {
      return announced.put(req.trailer, own_name, value);
    }
    switch (name) {
      case beast::field::host:
        return take_host(value);
      case beast::field::transfer_encoding:
        return take_coding(value);
      case beast::field::content_length:
        if (!keep_length(value, ec)) {
          return;
        }
        break;
      case beast::field::connection:
        take_connection(value);
        break;
      case beast::field::expect:
        // Several are a list, as in a line of their own; none is known that has more than one thing.
        expects += expects.empty() ? "" : ", ";
        expects += value;
        break;
      case beast::field::pragma:
        has_pragma = true;
        break;
      case beast::field::trailer:
        return announced.list(value);
      default:
        break;
    }
    req.header.add(own_name, value);
  }

  void take_host(std::string_view value) {
    if (++hosts == 1) {
      req.host.assign(value);
    }
  }

  // False: it is the same once more, or refused.
  bool keep_length(std::string_view value, error_code& ec) {
    const length_use use = take_length(value);
    if (use == length_use::malformed || use == length_use::another) {
      refuse(status_bad_request, {}, ec);
    }
    req.content_length = length;
    return use == length_use::first;
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
      announced.drop_others();
      announced.announce(req.trailer);
      req.transfer_encoding = "chunked";
      req.content_length = -1;
    }
    if (hosts == 0 && req.proto_at_least(1, 1) && req.method != "CONNECT") {
      return refuse(status_bad_request, "missing required Host header", ec);
    }
    if (hosts > 1) {
      return refuse(status_bad_request, "too many Host headers", ec);
    }
    if (!is_host_text(req.host)) {
      return refuse(status_bad_request, "malformed Host header", ec);
    }
    req.close = closes || (!req.proto_at_least(1, 1) && !keeps);
    if (has_pragma) {
      pragma_to_cache_control(req.header);
    }
  }

  request& req;
  header_limits limits;
  refusal why{};
  std::string expects{};
  announced_trailers announced{};
  std::size_t values = 0;
  int hosts = 0;
  bool has_pragma = false;
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
  return its().read_chunked(from, to, [&from] { return from.fill(); });
}

}  // namespace gossamer::inline v0::http
