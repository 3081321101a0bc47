// How an answer's status line, fields and trailers are written.
#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gossamer/http/date.hpp"
#include "gossamer/http/sniff.hpp"
#include "http/ascii.hpp"
#include "http/connection.hpp"
#include "http/head_parts.hpp"
#include "http/head_text.hpp"
#include "http/quote.hpp"
#include "http/server_response.hpp"
#include "http/trailers.hpp"

namespace gossamer::inline v0::http {

namespace {

// How much of a body that its handler has left is read and dropped, so that the connection can go on.
constexpr std::uint64_t most_dropped = 256 * 1024;

void append_status_line(std::string& to, const request& r, int status) {
  to += r.proto_at_least(1, 1) ? "HTTP/1.1 " : "HTTP/1.0 ";
  append_number(to, status);
  to += ' ';
  if (const std::string_view text = status_text(status); !text.empty()) {
    to += text;
  } else {
    to += "status code ";
    append_number(to, status);
  }
  to += "\r\n";
}

}  // namespace

std::string_view server_response::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (now.time_since_epoch().count() != date_second_ || date_.empty()) {
    date_.resize(time_text_length);
    put_time(now, date_.data());
    date_second_ = now.time_since_epoch().count();
  }
  return date_;
}

bool server_response::has_trailers() const noexcept {
  return std::any_of(header_.begin(), header_.end(),
                     [](const http::header::field& f) { return f.name.starts_with(trailer_prefix); }) ||
         sent_.has("Trailer");
}

// Without a field that says it, the first bytes decide.
void server_response::sniff(std::span<const std::byte> next, head_parts& parts) const {
  if (sent_.has("Content-Type") || !sent_.get("Content-Encoding").empty() || sent_.has("Transfer-Encoding")) {
    return;
  }
  const auto kept_bytes = std::as_bytes(std::span(body_));
  if (kept_bytes.empty() && next.empty()) {
    return;
  }
  if (kept_bytes.size() >= sniff_length || next.empty()) {
    parts.content_type = detect_content_type(kept_bytes);
  } else if (kept_bytes.empty()) {
    parts.content_type = detect_content_type(next);
  } else {
    std::array<std::byte, sniff_length> both;
    const auto rest = std::copy(kept_bytes.begin(), kept_bytes.end(), both.begin());
    const std::size_t more = std::min(next.size(), sniff_length - kept_bytes.size());
    std::copy_n(next.begin(), more, rest);
    parts.content_type = detect_content_type(std::span(both).first(kept_bytes.size() + more));
  }
}

// Whether the connection goes on, and what says so.
void server_response::settle_connection(head_parts& parts) {
  const request& r = on_.current();
  const bool keeps = on_.keep_alives_enabled();
  const std::string_view own = sent_.get("Connection");
  const std::string_view coding = sent_.get("Transfer-Encoding");
  const bool has_coding = !coding.empty() && !same_name(coding, "identity");
  if (has_coding && declared_ >= 0) {
    on_.log("http: WriteHeader called with both Transfer-Encoding of " + quote(coding) + " and a Content-Length of " +
            std::to_string(declared_));
    parts.drops_length = true;
  }
  const bool tells_length = !has_coding && (declared_ >= 0 || parts.length >= 0);
  if (on_.wants_old_keep_alive() && keeps && (is_head() || tells_length || !allows_body()) && own.empty()) {
    parts.connection = "keep-alive";
  }
  close_after_ = close_after_ || on_.wants_close() || on_.is_connect() || !keeps || has_token(own, "close");
  if (!full_duplex_ && !close_after_) {
    drain_request();
  }
  if (is_head() || !allows_body()) {
    framing_ = framing::none;
  } else if (tells_length) {
    framing_ = framing::counted;
  } else if (r.proto_at_least(1, 1) && (has_coding || coding.empty())) {
    framing_ = framing::chunked;
    parts.chunked = true;
  } else {
    framing_ = framing::until_close;
    close_after_ = true;
  }
  if (on_.is_connect() && status_ / 100 == 2) {
    // What comes behind it is the tunnel's.
    parts = {};
    framing_ = framing::until_close;
    return;
  }
  if (close_after_) {
    const bool switches = status_ == status_switching_protocols && has_token(own, "upgrade");
    parts.drops_connection = !has_token(own, "close") && !switches;
    parts.connection = r.proto_at_least(1, 1) && parts.drops_connection ? "close" : "";
  }
}

void server_response::drain_request() {
  if (!on_.body().drop(most_dropped)) {
    close_after_ = true;
  }
}

void server_response::commit(bool last, std::span<const std::byte> next) {
  head_parts parts;
  const std::size_t known = body_.size() + next.size();
  if (last && declared_ < 0 && allows_body() && (!is_head() || known > 0) && !has_trailers() &&
      !sent_.has("Transfer-Encoding")) {
    parts.length = static_cast<std::int64_t>(known);
  }
  settle_connection(parts);
  if (allows_body()) {
    sniff(next, parts);
  }
  append_head(parts);
}

// The handler's own fields by their names, and then those that it has left to us.
void server_response::append_head(const head_parts& parts) {
  append_status_line(out_, on_.current(), status_);
  sorted_.clear();
  const bool drops_length = status_ < 200 || status_ == status_no_content || status_ == status_not_modified ||
                            (on_.is_connect() && status_ / 100 == 2) || parts.drops_length;
  const std::vector<std::string> trailers = declared_trailers(sent_);
  for (const http::header::field& f : sent_) {
    const std::string_view name = f.name;
    if (!is_token(name) || name.starts_with(trailer_prefix) ||
        (name == "Transfer-Encoding" && (!parts.chunked || f.value == "chunked")) ||
        (name == "Connection" && parts.drops_connection) || (name == "Content-Length" && drops_length) ||
        (name == "Content-Type" && status_ == status_not_modified) ||
        (framing_ == framing::chunked && std::ranges::binary_search(trailers, name))) {
      continue;
    }
    sorted_.push_back(&f);
  }
  sort_by_name(sorted_);
  for (const http::header::field* f : sorted_) {
    append_field(out_, f->name, f->value);
  }
  if (!sent_.has("Date")) {
    append_field(out_, "Date", date());
  }
  if (parts.length >= 0) {
    out_ += "Content-Length: ";
    append_number(out_, parts.length);
    out_ += "\r\n";
  }
  if (!parts.content_type.empty()) {
    append_field(out_, "Content-Type", parts.content_type);
  }
  if (!parts.connection.empty()) {
    append_field(out_, "Connection", parts.connection);
  }
  if (parts.chunked) {
    out_ += "Transfer-Encoding: chunked\r\n";
  }
  out_ += "\r\n";
}

// Behind the last chunk, by their names.
void server_response::append_trailers() {
  for (const auto& [name, value] : trailers_of(header_, sent_)) {
    append_field(out_, name, value);
  }
}

void server_response::append_info(int status) {
  append_status_line(out_, on_.current(), status);
  append_without_body(out_, header_);
  out_ += "\r\n";
}

}  // namespace gossamer::inline v0::http
