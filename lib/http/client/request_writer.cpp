#include "http/client/request_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/io.hpp"
#include "gossamer/os/file.hpp"
#include "http/ascii.hpp"
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
constexpr std::chrono::milliseconds longest_probe{200};
constexpr std::size_t piece_bytes = 32 * 1024;
// Before and behind a piece, where it is a chunk.
constexpr std::size_t line_room = 18;
constexpr std::string_view last_chunk = "0\r\n";
// Readers that return nothing so often are given up.
constexpr int most_empty_reads = 100;

bool usually_has_no_body(std::string_view method) noexcept {
  static constexpr std::array<std::string_view, 6> all{"GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH"};
  return method.empty() || std::ranges::find(all, method) != all.end();
}

bool tells_zero_length(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// What the request itself has no say in.
bool is_ours(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 5> all{"Content-Length", "Host", "Trailer", "Transfer-Encoding",
                                                       "User-Agent"};
  return std::ranges::find(all, name) != all.end();
}

bool may_be_trailer_key(std::string_view name) noexcept {
  return name != "Transfer-Encoding" && name != "Trailer" && name != "Content-Length";
}

// By their names, each value on a line.
template <class Skip>
void append_sorted(std::string& to, const header& fields, const Skip& skip) {
  constexpr std::size_t usual = 32;
  std::array<const header::field*, usual> few;
  std::vector<const header::field*> many(fields.size() > usual ? fields.size() : 0);
  const auto place = many.empty() ? std::span<const header::field*>(few) : std::span(many);
  std::size_t n = 0;
  for (const header::field& f : fields) {
    if (is_token(f.name) && !skip(f.name)) {
      place[n++] = &f;
    }
  }
  sort_by_name(place.first(n));
  for (const header::field* f : place.first(n)) {
    append_field(to, f->name, f->value);
  }
}

// RFC 6874: a zone is for this host alone.
void append_without_zone(std::string& to, std::string_view host) {
  const std::size_t end = host.starts_with('[') ? host.rfind(']') : std::string_view::npos;
  const std::size_t zone = end == std::string_view::npos ? end : host.substr(0, end).rfind('%');
  if (zone == std::string_view::npos) {
    to += host;
    return;
  }
  to += host.substr(0, zone);
  to += host.substr(end);
}

gossamer::error write_all(const net::conn& to, std::string_view text, const net::ending& end) {
  return to.write(text, end).second;
}

}  // namespace

request_writer::request_writer(const request& r, const head_options& how, std::string& buffer)
    : r_(r), how_(how), out_(buffer), body_(r.body) {
  choose_framing();
}

void request_writer::choose_framing() {
  if (!body_ || static_cast<const io::reader&>(body_) == static_cast<const io::reader&>(no_body())) {
    return;
  }
  length_ = r_.content_length != 0 ? r_.content_length : -1;
  if (r_.transfer_encoding == "chunked" || (length_ < 0 && r_.method != "CONNECT")) {
    framing_ = framing::chunked;
    length_ = -1;
  } else {
    framing_ = length_ < 0 ? framing::until_close : framing::counted;
  }
}

// Servers do not expect a body with these methods: one of no bytes is none. It is not waited for it long.
void request_writer::probe() {
  if (framing_ != framing::chunked || r_.transfer_encoding == "chunked" || !usually_has_no_body(r_.method)) {
    return;
  }
  touched_ = true;
  late_first_ = begin_first_read(body_);
  if (late_first_.recv_for(longest_probe, first_) != channel_status::done) {
    return;
  }
  late_first_ = nullptr;
  if (!first_.has_byte && first_.err == io::eof) {
    framing_ = framing::none;
    length_ = 0;
  }
}

io::result request_writer::read_body(std::span<std::byte> to) {
  touched_ = true;
  if (late_first_) {
    first_ = *late_first_.recv();
    late_first_ = nullptr;
  }
  if (std::exchange(first_.has_byte, false)) {
    to.front() = first_.byte;
    return {1, nullptr};
  }
  if (first_.err) {
    return {0, first_.err};
  }
  for (int tries = 0; tries < most_empty_reads; tries++) {
    auto [n, err] = body_.read(to);
    if (n > 0 || err) {
      return {n, std::move(err)};
    }
  }
  return {0, io::no_progress};
}

gossamer::error request_writer::close_body() {
  const io::closer& closer = body_;
  if (!closer || std::exchange(closed_, true)) {
    return nullptr;
  }
  touched_ = true;
  return closer.close();
}

// ---- the head -------------------------------------------------------------------------------------------------------

bool request_writer::wants_close() const noexcept {
  return r_.close || std::any_of(r_.header.begin(), r_.header.end(), [](const header::field& f) {
           return f.name == "Connection" && has_token(f.value, "close");
         });
}

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
  if (std::any_of(out_.begin() + static_cast<std::ptrdiff_t>(at), out_.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f'; })) {
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
    if (!may_be_trailer_key(f.name)) {
      return errors::make("invalid Trailer key ", quoted(f.name));
    }
    if (is_token(f.name)) {
      names.push_back(f.name);
    }
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (std::size_t i = 0; i < names.size(); i++) {
    out_ += i == 0 ? "Trailer: " : ",";
    out_ += names[i];
  }
  out_ += names.empty() ? "" : "\r\n";
  return nullptr;
}

gossamer::error request_writer::build_head() {
  probe();
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
    append_sorted(out_, *how_.extra, [](std::string_view) { return false; });
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
    if (err) {
      break;
    }
  }
  out_.resize(head + static_cast<std::size_t>(length_));
  return all == length_ ? close_body() : wrong_length(all);
}

gossamer::error request_writer::write_head(const net::conn& to, const net::ending& end) {
  if (gossamer::error err = build_head()) {
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
  auto [n, err] = to.write(std::string_view(out_), end);
  has_sent_ = n > 0;
  return err;
}

// ---- the body -------------------------------------------------------------------------------------------------------

gossamer::error request_writer::wrong_length(std::int64_t body_length) const {
  return errors::make("http: ContentLength=", length_, " with Body length ", body_length);
}

// What is beyond the length is read, and not sent, to say how much it is.
gossamer::error request_writer::write_counted(const net::conn& to, const net::ending& end, std::span<std::byte> room) {
  for (std::int64_t all = 0;;) {
    const std::int64_t left = length_ - all;
    const bool sends = left > 0 || framing_ == framing::until_close;
    const auto wanted = framing_ == framing::counted && left > 0
                            ? static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(room)))
                            : room.size();
    const auto [n, err] = read_body(room.first(wanted));
    all += static_cast<std::int64_t>(n);
    if (sends && n > 0) {
      if (gossamer::error write_err = to.write(room.first(n), end).second) {
        return write_err;
      }
    }
    if (err == io::eof) {
      return framing_ == framing::until_close || all == length_ ? nullptr : wrong_length(all);
    }
    if (err) {
      failed_ = true;
      return err;
    }
  }
}

gossamer::error request_writer::write_chunks(const net::conn& to, const net::ending& end) {
  // A chunk is written with the line before it and the line's end behind it, as one.
  const auto room = std::make_unique_for_overwrite<char[]>(piece_bytes + 2 * line_room);
  for (;;) {
    const auto [n, err] = read_body(std::as_writable_bytes(std::span(room.get() + line_room, piece_bytes)));
    if (n > 0) {
      out_.clear();
      append_chunk_line(out_, n);
      char* const begin = room.get() + line_room - out_.size();
      std::ranges::copy(out_, begin);
      std::ranges::copy(std::string_view("\r\n"), room.get() + line_room + n);
      if (gossamer::error write_err = write_all(to, {begin, out_.size() + n + 2}, end)) {
        return write_err;
      }
    }
    if (err == io::eof) {
      break;
    }
    if (err) {
      failed_ = true;
      return err;
    }
  }
  if (gossamer::error err = close_body()) {
    return err;
  }
  out_ = last_chunk;
  append_sorted(out_, r_.trailer, [](std::string_view name) { return !may_be_trailer_key(name); });
  out_ += "\r\n";
  return write_all(to, out_, end);
}

// Its error may be the file's or the connection's: body_has_failed() does not tell.
gossamer::error request_writer::write_file(const net::conn& to) {
  touched_ = true;
  if (const auto [n, err] = io::copy_n(to, body_, length_); err) {
    return err == io::eof ? wrong_length(n) : err;
  }
  const auto [beyond, err] = io::copy(io::discard, body_);
  return err || beyond == 0 ? err : wrong_length(length_ + beyond);
}

gossamer::error request_writer::write_body(const net::conn& to, const net::ending& end) {
  if (!has_body()) {
    return close_body();
  }
  gossamer::error err;
  if (framing_ == framing::chunked) {
    err = write_chunks(to, end);
  } else if (framing_ == framing::counted && end.stop().core() == nullptr && body_.as<os::file>() != nullptr) {
    err = write_file(to);
  } else {
    const auto room = std::make_unique_for_overwrite<std::byte[]>(piece_bytes);
    err = write_counted(to, end, std::span(room.get(), piece_bytes));
  }
  gossamer::error close_err = close_body();
  is_sent_ = true;
  return err ? err : close_err;
}

}  // namespace gossamer::inline v0::http
