#include "http/server_response.hpp"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <string>
#include <utility>

#include "gossamer/http/sniff.hpp"
#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"
#include "http/ascii.hpp"
#include "http/call_place.hpp"
#include "http/connection.hpp"
#include "http/head_text.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

void server_response::begin() noexcept {
  header_.clear();
  sent_.clear();
  status_ = 0;
  framing_ = framing::open;
  close_after_ = false;
  full_duplex_ = false;
  too_long_ = false;
  continue_ = continuing::open;
  declared_ = -1;
  written_ = 0;
  out_.clear();
  body_.clear();
}

bool server_response::is_head() const noexcept { return on_.is_head(); }

bool server_response::allows_body() const noexcept {
  return status_ >= 200 && status_ != status_no_content && status_ != status_not_modified;
}

void server_response::write_status(int status, here where) {
  if (hijacked_) {
    on_.log("http: response.WriteHeader on hijacked connection" + call_place(where));
    return;
  }
  if (status_ != 0) {
    on_.log("http: superfluous response.WriteHeader call" + call_place(where));
    return;
  }
  if (status < 100 || status > 999) {
    panic("invalid WriteHeader code " + std::to_string(status));
  }
  if (status < 200 && status != status_switching_protocols) {
    if (status == status_continue) {
      end_continue(continuing::sent);
    }
    append_info(status);
    send();
    return;
  }
  end_continue(continuing::never);
  status_ = status;
  sent_ = header_;
  take_declared_length();
}

// One that is none is dropped.
void server_response::take_declared_length() {
  const std::string_view text = sent_.get("Content-Length");
  if (text.empty()) {
    return;
  }
  std::int64_t n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (bad == std::errc() && end == text.data() + text.size() && n >= 0) {
    declared_ = n;
  } else {
    on_.log("http: invalid Content-Length of " + quote(text));
    sent_.del("Content-Length");
  }
}

io::result server_response::write_bytes(std::span<const std::byte> from) {
  if (hijacked_) {
    return {0, connection_hijacked};
  }
  if (status_ == 0) {
    write_status(status_ok, here::current());
  }
  if (from.empty()) {
    return {0, nullptr};
  }
  if (!allows_body()) {
    return {0, body_not_allowed};
  }
  if (failed_) {
    return {0, failed_};
  }
  const auto more = static_cast<std::int64_t>(from.size());
  written_ += more;
  if (declared_ >= 0 && written_ > declared_) {
    too_long_ = true;
    return {0, content_length_exceeded};  // and so are the next ones
  }
  if (framing_ == framing::open && body_.size() + from.size() > kept) {
    commit(false, from);
  }
  const std::size_t room = framing_ == framing::open ? kept : most_out;
  if (framing_ != framing::none && body_.size() + from.size() <= room) {
    body_.append(reinterpret_cast<const char*>(from.data()), from.size());
    return {from.size(), nullptr};
  }
  if (const gossamer::error err = emit(from)) {
    return {0, err};
  }
  return {from.size(), nullptr};
}

gossamer::error server_response::emit(std::span<const std::byte> next) {
  const std::size_t n = body_.size() + next.size();
  if (n == 0 || framing_ == framing::none) {
    body_.clear();
    return failed_;
  }
  const std::string_view end = framing_ == framing::chunked ? "\r\n" : "";
  if (framing_ == framing::chunked) {
    append_chunk_line(out_, n);
  }
  if (out_.size() + n <= most_out) {
    out_ += body_;
    out_.append(reinterpret_cast<const char*>(next.data()), next.size());
    out_ += end;
    body_.clear();
    return failed_;
  }
  send_held();
  if (!failed_) {
    const std::array<net::buffer, 4> pieces{std::as_bytes(std::span(out_)), std::as_bytes(std::span(body_)), next,
                                            std::as_bytes(std::span(end))};
    failed_ = on_.connected().writev(pieces).second;
    if (failed_) {
      on_.body_has_failed();
    }
  }
  out_.clear();
  body_.clear();
  return failed_;
}

void server_response::send_held() {
  if (gossamer::error err = on_.send_held()) {
    failed_ = std::move(err);
    on_.body_has_failed();
  }
}

gossamer::error server_response::send() {
  if (!out_.empty()) {
    send_held();
  }
  if (!out_.empty() && !failed_) {
    failed_ = on_.connected().write(std::string_view(out_)).second;
    if (failed_) {
      on_.body_has_failed();
    }
  }
  out_.clear();
  return failed_;
}

// From now on the reader of the body sends none. `never`: the client gets the status instead, and sends no body.
void server_response::end_continue(continuing as) {
  const std::lock_guard hold(continue_lock_);
  continue_ = continue_ == continuing::open ? as : continue_;
}

gossamer::error server_response::send_continue() {
  const std::lock_guard hold(continue_lock_);
  if (continue_ == continuing::never) {
    return read_after_close;
  }
  return std::exchange(continue_, continuing::sent) == continuing::sent
             ? gossamer::error()
             : on_.connected().write("HTTP/1.1 100 Continue\r\n\r\n").second;
}

gossamer::error server_response::flush() {
  if (hijacked_) {
    return connection_hijacked;
  }
  if (status_ == 0) {
    write_status(status_ok, here::current());
  }
  if (framing_ == framing::open) {
    commit(false, {});
  }
  if (const gossamer::error err = emit({})) {
    return err;
  }
  return send();
}

bool server_response::finish() {
  if (hijacked_) {
    return false;
  }
  if (status_ == 0) {
    write_status(status_ok, here::current());
  }
  if (framing_ == framing::open) {
    commit(true, {});
  }
  emit({});
  if (framing_ == framing::chunked) {
    out_ += "0\r\n";
    append_trailers();
    out_ += "\r\n";
  }
  const bool is_short = framing_ == framing::counted && declared_ >= 0 && declared_ != written_;
  const bool goes_on = !close_after_ && !failed_ && !too_long_ && !is_short;
  if (goes_on && on_.body().has_ended() && on_.hold(out_)) {
    return true;
  }
  send();
  if (!close_after_) {
    drain_request();
  }
  return goes_on && !close_after_ && !failed_;
}

io::copied server_response::read_from(const io::reader& from) {
  std::int64_t before = 0;
  if (status_ == 0) {
    // Nothing is decided before the source has given something: it may fail, or be the body that waits for a 100.
    const auto [n, err] = response_writer::read_from(io::limit_reader(from, sniff_length));
    if (err || n < static_cast<std::int64_t>(sniff_length)) {
      return {n, err};
    }
    before = n;
  }
  // The kernel moves a file's bytes where nothing has to be looked at on the way.
  if (hijacked_ || framing_ != framing::open || written_ > declared_ || is_head() || !allows_body() ||
      !sent_.has("Content-Type") || sent_.has("Transfer-Encoding")) {
    const auto [n, err] = response_writer::read_from(from);
    return {before + n, err};
  }
  commit(false, {});
  emit({});
  if (const gossamer::error err = send()) {
    return {before, err};
  }
  const std::int64_t wanted = declared_ - written_;
  const auto [n, err] = io::copy(on_.connected(), io::limit_reader(from, wanted));
  written_ += n;
  if (err) {
    failed_ = err;
    return {before + n, err};
  }
  std::byte more;
  if (n == wanted && from.read(std::span(&more, 1)).first > 0) {
    too_long_ = true;
    return {before + n, content_length_exceeded};
  }
  return {before + n, nullptr};
}

std::pair<net::conn, gossamer::error> server_response::hijack() {
  if (hijacked_) {
    return {nullptr, connection_hijacked};
  }
  if (status_ != 0) {
    flush();
  }
  auto taken = on_.hijack();
  hijacked_ = !taken.second;
  return taken;
}

gossamer::error server_response::set_read_deadline(net::time_point when) {
  return on_.set_deadline(net::direction::read, when);
}
gossamer::error server_response::set_write_deadline(net::time_point when) {
  return on_.set_deadline(net::direction::write, when);
}

gossamer::error server_response::enable_full_duplex() {
  full_duplex_ = true;
  return nullptr;
}

void server_response::request_too_large() {
  close_after_ = true;
  if (status_ == 0) {
    header_.set("Connection", "close");
  }
}

}  // namespace gossamer::inline v0::http
