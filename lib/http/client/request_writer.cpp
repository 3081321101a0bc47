#include "http/client/request_writer.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"
#include "http/ascii.hpp"
#include "http/client/body_length.hpp"
#include "http/field_lists.hpp"
#include "http/head_text.hpp"
#include "http/host_text.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

constinit const errors::sentinel invalid_host{"http: invalid Host header"};
constinit const errors::sentinel control_in_url{"net/http: can't write control character in Request.URL"};

constexpr std::string_view default_user_agent = "gossamer-http-client/1.1";
// A body that is at hand goes with the head up to this size.
constexpr std::int64_t most_at_once = 8 * 1024;

bool tells_zero_length(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// What the request itself has no say in.
bool is_ours(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 5> all{"Content-Length", "Host", "Trailer", "Transfer-Encoding",
                                                       "User-Agent"};
  return std::ranges::find(all, name) != all.end();
}

}  // namespace

request_writer::request_writer(const request& r, const head_options& how, std::string& buffer)
    : r_(r), how_(how), out_(buffer), body_(r.body) {
  choose_framing();
}

void request_writer::choose_framing() {
  if (!has_body_to_send(r_)) {
    return;
  }
  length_ = body_length(r_);
  if (r_.transfer_encoding == "chunked" || (length_ < 0 && r_.method != "CONNECT")) {
    framing_ = framing::chunked;
    length_ = -1;
  } else {
    framing_ = length_ < 0 ? framing::until_close : framing::counted;
  }
}

// ---- the head -------------------------------------------------------------------------------------------------------

bool request_writer::wants_close() const noexcept { return r_.close || lists_token(r_.header, "Connection", "close"); }

gossamer::error request_writer::append_target() {
  const std::size_t at = out_.size();
  const std::string_view own = r_.host.empty() ? r_.url.host : r_.host;
  const std::string_view host = is_host_text(own) ? own : std::string_view();
  if (host.size() != own.size() && how_.absolute_form) {
    return invalid_host;
  }
  if (r_.method == "CONNECT" && r_.url.path.empty() && !how_.absolute_form) {
    if (r_.url.opaque.empty()) {
      append_without_zone(out_, host);
    } else {
      out_ += r_.url.opaque;
    }
  } else {
    if (how_.absolute_form && !r_.url.scheme.empty() && r_.url.opaque.empty()) {
      out_ += r_.url.scheme;
      out_ += "://";
      append_without_zone(out_, host);
    }
    out_ += r_.url.request_uri();
  }
  // Servers are known to redirect to such places. Go sends the blank as it is.
  for (std::size_t i = at; (i = out_.find(' ', i)) != out_.npos;) {
    out_.replace(i, 1, "%20");
  }
  if (std::any_of(out_.begin() + static_cast<std::ptrdiff_t>(at), out_.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; })) {
    return control_in_url;
  }
  out_ += " HTTP/1.1\r\nHost: ";
  append_without_zone(out_, host);
  out_ += "\r\n";
  return nullptr;
}

void request_writer::append_user_agent() {
  const bool has_own = r_.header.has("User-Agent");
  const std::string_view agent = has_own ? r_.header.get("User-Agent") : default_user_agent;
  if (!agent.empty()) {
    append_field(out_, "User-Agent", agent);
  }
}

gossamer::error request_writer::append_framing() {
  if (framing_ == framing::chunked) {
    out_ += "Transfer-Encoding: chunked\r\n";
  } else if (framing_ == framing::counted || (framing_ == framing::none && tells_zero_length(r_.method))) {
    out_ += "Content-Length: ";
    append_number(out_, framing_ == framing::counted ? length_ : 0);
    out_ += "\r\n";
  }
  if (framing_ != framing::chunked || r_.trailer.empty()) {
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const header::field& f : r_.trailer) {
    if (is_framing_field(f.name)) {
      return errors::make("invalid Trailer key ", quote(f.name));
    }
    if (is_token(f.name)) {
      names.push_back(f.name);
    }
  }
  sort_once(names);
  for (std::size_t i = 0; i < names.size(); i++) {
    out_ += i == 0 ? "Trailer: " : ",";
    out_ += names[i];
  }
  out_ += names.empty() ? "" : "\r\n";
  return nullptr;
}

gossamer::error request_writer::build_head(const net::ending& end) {
  probe(end);
  out_.clear();
  out_ += r_.method.empty() ? std::string_view("GET") : std::string_view(r_.method);
  out_ += ' ';
  if (gossamer::error err = append_target()) {
    return err;
  }
  append_user_agent();
  const bool says_close = wants_close();
  if (r_.close && !has_token(r_.header.get("Connection"), "close")) {
    out_ += "Connection: close\r\n";
  }
  if (gossamer::error err = append_framing()) {
    return err;
  }
  append_sorted(out_, r_.header, is_ours);
  if (how_.extra != nullptr) {
    append_sorted(out_, *how_.extra, [](std::string_view) noexcept { return false; });
  }
  if (how_.asks_gzip) {
    out_ += "Accept-Encoding: gzip\r\n";
  }
  if (how_.closes && !says_close) {
    out_ += "Connection: close\r\n";
  }
  out_ += "\r\n";
  return nullptr;
}

bool request_writer::is_at_hand() const noexcept {
  return framing_ == framing::counted && length_ <= most_at_once && !how_.waits_for_continue &&
         (body_.as<io::string_reader>() != nullptr || body_.as<io::buffer>() != nullptr);
}

// What is wrong with its length shows before anything is sent.
gossamer::error request_writer::append_body() {
  const std::size_t head = out_.size();
  out_.resize(head + static_cast<std::size_t>(length_) + 1);
  std::int64_t all = 0;
  for (;;) {
    const std::size_t at = head + static_cast<std::size_t>(std::min(all, length_));
    const auto [n, err] = read_body(std::as_writable_bytes(std::span(out_).subspan(at)));
    all += static_cast<std::int64_t>(n);
    if (err && err != io::eof) {
      failed_ = true;
      return err;
    }
    if (err || all >= length_ + most_beyond) {
      break;
    }
  }
  out_.resize(head + static_cast<std::size_t>(length_));
  return all == length_ ? close_body() : wrong_length(all);
}

gossamer::error request_writer::write_head(const net::conn& to, const net::ending& end) {
  if (gossamer::error err = build_head(end)) {
    return err;
  }
  if (framing_ == framing::none) {
    if (gossamer::error err = close_body()) {
      return err;
    }
  } else if (is_at_hand()) {
    if (gossamer::error err = append_body()) {
      return err;
    }
    is_sent_ = true;
  }
  const auto [n, err] = to.write(std::string_view(out_), end);
  has_sent_ = n > 0;
  return err;
}

}  // namespace gossamer::inline v0::http
