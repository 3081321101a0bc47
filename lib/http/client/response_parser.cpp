#include "http/client/response_parser.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gossamer/errors.hpp"
#include "http/cut.hpp"
#include "http/field_faults.hpp"
#include "http/field_lists.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

gossamer::error fault(std::string_view what, std::string_view text) { return errors::make(what, " ", quote(text)); }

// Where the first line's end is that has no CR, from `at` on.
std::size_t find_bare_line_feed(std::string_view text, std::size_t at) noexcept {
  for (at = text.find('\n', at); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') {
      return at;
    }
  }
  return at;
}

bool parse_version(std::string_view text, response& into) noexcept {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) {
    return false;
  }
  into.proto_major = text[5] - '0';
  into.proto_minor = text[7] - '0';
  return true;
}

gossamer::error malformed_length(std::string_view value) {
  return fault(value.empty() ? "invalid empty Content-Length" : "bad Content-Length", value);
}

}  // namespace

gossamer::error parse_status_line(std::string_view line, response& into) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) {
    return fault("malformed HTTP response", line);
  }
  const std::string_view proto = line.substr(0, blank);
  std::string_view status = line.substr(blank);
  status.remove_prefix(std::min(status.find_first_not_of(' '), status.size()));
  const std::string_view code = cut(status, ' ').first;
  if (code.size() != 3 || !std::ranges::all_of(code, is_digit)) {
    return fault("malformed HTTP status code", code);
  }
  if (!parse_version(proto, into)) {
    return fault("malformed HTTP version", proto);
  }
  into.proto = proto;
  into.status = status;
  into.status_code = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  return nullptr;
}

response_parser::response_parser(response& into, http::header& trailer) : into_(into), trailer_(trailer) {
  into_.header.clear();
  into_.transfer_encoding.clear();
  into_.content_length = -1;
  into_.close = false;
  // The status line was another's to read: Beast is given one that says nothing, so that it goes on with the fields.
  constexpr std::string_view line = "HTTP/1.1 200 \r\n";
  error_code ec;
  put({line.data(), line.size()}, ec);
}

void response_parser::refuse(gossamer::error why, error_code& ec) {
  why_ = std::move(why);
  ec = beast::error::bad_value;
}

void response_parser::keep_length(std::string_view value, error_code& ec) {
  switch (take_length(value)) {
    case length_use::malformed:
      return refuse(malformed_length(value), ec);
    case length_use::another:  // Beast finds those out
    case length_use::again:
      return;
    case length_use::first:
      into_.header.add("Content-Length", value);
  }
}

void response_parser::on_field_impl(beast::field name, text_view name_text, text_view value_text, error_code& ec) {
  const std::string_view value = view_of(value_text);
  if (header_done) {
    return announced_.put(trailer_, view_of(name_text), value);
  }
  switch (name) {
    case beast::field::transfer_encoding:
      take_coding(value);
      codings_text_ += (codings_text_.empty() ? "" : " ") + quote(value);
      return;
    case beast::field::content_length:
      return keep_length(value, ec);
    case beast::field::connection:
      take_connection(value);
      names_fields_ = names_fields_ || !same_name(value, "close");
      break;
    case beast::field::pragma:
      has_pragma_ = true;
      break;
    case beast::field::trailer:
      has_trailer_ = true;
      break;
    default:
      break;
  }
  into_.header.add(view_of(name_text), value);
}

// One of HTTP/1.0 has no codings: the field is left out of account, and nothing is sent behind the answer.
void response_parser::check_coding(error_code& ec) {
  if (codings == 0) {
    return;
  }
  if (!into_.proto_at_least(1, 1)) {
    ignores_coding_ = true;
    return;
  }
  if (!chunked_alone) {
    return refuse(codings == 1 ? errors::make("unsupported transfer encoding: ", codings_text_)
                               : errors::make("too many transfer encodings: [", codings_text_, "]"),
                  ec);
  }
  into_.transfer_encoding = "chunked";
}

void response_parser::announce_trailers(error_code& ec) {
  for (const std::string_view names : into_.header.values("Trailer")) {
    announced_.list(names);
  }
  for (const std::string_view key : {"Content-Length", "Trailer", "Transfer-Encoding"}) {
    if (announced_.has(key)) {
      return refuse(fault("bad trailer key", key), ec);
    }
  }
  announced_.announce(trailer_);
  into_.header.del("Trailer");
}

void response_parser::on_header_impl(error_code& ec) {
  header_done = true;
  check_coding(ec);
  if (!ec && has_trailer_ && is_chunked()) {
    announce_trailers(ec);
  }
  into_.content_length = lengths > 0 ? length : -1;
  const bool is_old = !into_.proto_at_least(1, 1);
  into_.close = closes || into_.proto_major < 1 || (is_old && !keeps);
  if (closes && !is_old && !names_fields_) {
    into_.header.del("Connection");
  }
  if (has_pragma_) {
    pragma_to_cache_control(into_.header);
  }
}

gossamer::error response_parser::put_header(input& from) {
  const std::size_t size = from.unread().size();
  if (!fault_) {
    const error_code ec = put_some(from);
    if (!ec) {
      raw_header = raw;
      return nullptr;
    }
    if (why_) {
      return why_;
    }
    fault_ = ec == beast::error::need_more ? error_code() : ec;
  }
  const std::string_view unread = from.unread();
  looked_at_ -= std::min(looked_at_, size - unread.size());
  const std::size_t end = fault_ ? unread.find('\n', looked_at_) : find_bare_line_feed(unread, looked_at_);
  looked_at_ = unread.size();
  return end == std::string_view::npos ? nullptr : fault_of(fault_, unread);
}

// Of the line that begins here.
gossamer::error response_parser::fault_of(const error_code& ec, std::string_view unread) const {
  std::string_view line = cut(unread, '\n').first;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  const std::string_view value = trim(cut(line, ':').second);
  if (ec == beast::error::multiple_content_length) {
    return errors::make("http: message cannot contain multiple Content-Length headers; got [",
                        quote(into_.header.get("Content-Length")), " ", quote(value), "]");
  }
  if (ec == beast::error::bad_transfer_encoding && codings > 0) {
    return errors::make("too many transfer encodings: [", codings_text_, " ", quote(value), "]");
  }
  if ((ec == beast::error::bad_content_length && codings > 0) || ec == beast::error::bad_transfer_encoding) {
    return errors::make("http: message with both a Content-Length and a Transfer-Encoding");
  }
  if (ec == beast::error::bad_content_length) {
    return malformed_length(value);
  }
  const bool is_first = raw == 0 && (line.starts_with(' ') || line.starts_with('\t'));
  return is_first ? malformed_field(" initial line: ", line) : fault_of_field(line);
}

void response_parser::take_end(input& from) {
  if (left == 0 && data > 0 && !is_done() && from.unread().starts_with("\r\n0\r\n\r\n")) {
    put_some(from);
  }
}

}  // namespace gossamer::inline v0::http
