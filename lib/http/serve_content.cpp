// serve_content: see gossamer/http/file_server.hpp.
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gossamer/http/file_server.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/sniff.hpp"
#include "gossamer/io.hpp"
#include "http/random.hpp"
#include "http/ranges.hpp"
#include "http/serving.hpp"

namespace gossamer::inline v0::http {

namespace {

constexpr std::string_view cannot_seek = "seeker can't seek";

std::string_view extension_of(std::string_view name) noexcept {
  name.remove_prefix(name.rfind('/') + 1);  // of npos: 0
  const std::size_t dot = name.rfind('.');
  return dot == name.npos ? std::string_view() : name.substr(dot);
}

bool goes_to(const io::seeker& content, std::int64_t place) {
  return !content.seek(place, io::seek_from::start).second;
}

// The type of what is sent, which w has then. False if it was looked at, and does not go back.
bool settle_type(response_writer& w, std::string_view name, const io::read_seeker& content) {
  header& h = w.header();
  if (h.has("Content-Type")) {
    return true;
  }
  std::string_view type = type_by_extension(extension_of(name));
  if (type.empty()) {
    std::array<std::byte, sniff_length> room;
    const auto [n, unused] = io::read_full(content, room);
    type = detect_content_type(std::span(room).first(n));
    if (!goes_to(content, 0)) {
      return false;
    }
  }
  h.set("Content-Type", type);
  return true;
}

// Several ranges as parts of a multipart/byteranges.
class parts {
 public:
  parts(std::vector<byte_range> ranges, std::int64_t size, std::string_view type) : boundary_(random_hex<30>()) {
    for (const byte_range& r : ranges) {
      std::string head = all_.empty() ? "--" : "\r\n--";
      ((head += boundary_) += "\r\nContent-Range: ") += content_range(r, size);
      ((head += "\r\nContent-Type: ") += type) += "\r\n\r\n";
      all_.push_back({std::move(head), r});
    }
    end_ = "\r\n--" + boundary_ + "--\r\n";
  }
  std::string type() const { return "multipart/byteranges; boundary=" + boundary_; }
  std::int64_t size() const noexcept {
    std::size_t n = end_.size();
    for (const part& p : all_) {
      n += p.head.size() + static_cast<std::size_t>(p.range.length);
    }
    return static_cast<std::int64_t>(n);
  }
  // Up to what fails.
  void write(response_writer& w, const io::read_seeker& content) const {
    for (const part& p : all_) {
      if (w.write(p.head).second || !goes_to(content, p.range.start)) {
        return;
      }
      const auto [n, err] = w.read_from(io::limit_reader(content, p.range.length));
      if (err || n != p.range.length) {
        return;
      }
    }
    w.write(end_);
  }

 private:
  struct part {
    std::string head;
    byte_range range;
  };
  std::string boundary_;
  std::vector<part> all_;
  std::string end_;
};

std::int64_t sum_of(const std::vector<byte_range>& ranges) noexcept {
  std::int64_t n = 0;  // 200 of them at most, but each may be half of what there are numbers for
  for (const byte_range& r : ranges) {
    if (__builtin_add_overflow(n, r.length, &n)) {
      return std::numeric_limits<std::int64_t>::max();
    }
  }
  return n;
}

// What Range asks for; nothing if it has been answered.
std::optional<std::vector<byte_range>> ranges_of(response_writer& w, std::string_view field, std::int64_t size) {
  parsed_ranges parsed = parse_ranges(field, size);
  if (parsed.status == range_status::malformed) {
    serve_failure(w, "invalid range", status_requested_range_not_satisfiable);
    return std::nullopt;
  }
  if (parsed.status == range_status::outside && size > 0) {
    w.header().set("Content-Range", "bytes */" + std::to_string(size));
    serve_failure(w, "invalid range: failed to overlap", status_requested_range_not_satisfiable);
    return std::nullopt;
  }
  if (sum_of(parsed.ranges) > size) {  // an attack, or a client that does not think
    parsed.ranges.clear();
  }
  return std::move(parsed.ranges);
}

void send_head(response_writer& w, int status, std::int64_t size) {
  header& h = w.header();
  h.set("Accept-Ranges", "bytes");
  // Whoever encodes what is written on its way changes the length. Of a range it is wrong all the same.
  if (status == status_partial_content || h.get("Content-Encoding").empty()) {
    h.set("Content-Length", std::to_string(size));
  }
  w.write_header(status);
}

}  // namespace

void serve_failure(response_writer& w, std::string_view text, int code) {
  for (const std::string_view name : {"Cache-Control", "Content-Encoding", "ETag", "Last-Modified"}) {
    w.header().del(name);
  }
  error(w, text, code);
}

void serve_sized(response_writer& w, request& r, std::string_view name, modified when, const io::read_seeker& content,
                 const std::function<std::optional<std::int64_t>()>& size_of) {
  set_last_modified(w, when);
  const auto [what, range] = decide(r, w.header().get("ETag"), when);
  if (what == decision::kind::precondition_failed) {
    w.write_header(status_precondition_failed);
    return;
  }
  if (what == decision::kind::not_modified) {
    answer_not_modified(w);
    return;
  }
  const bool typed = settle_type(w, name, content);
  const std::optional<std::int64_t> size = typed ? size_of() : std::nullopt;
  if (!size || *size < 0) {
    serve_failure(w, size ? "negative content size computed" : cannot_seek, status_internal_server_error);
    return;
  }
  auto ranges = ranges_of(w, range, *size);
  if (!ranges) {
    return;
  }
  const bool with_body = r.method != "HEAD";
  if (ranges->size() > 1) {
    const parts all(std::move(*ranges), *size, w.header().get("Content-Type"));
    w.header().set("Content-Type", all.type());
    send_head(w, status_partial_content, all.size());
    if (with_body) {
      all.write(w, content);
    }
    return;
  }
  const byte_range part = ranges->empty() ? byte_range{0, *size} : ranges->front();
  if (!ranges->empty()) {
    if (const auto err = content.seek(part.start, io::seek_from::start).second) {
      serve_failure(w, err.text(), status_requested_range_not_satisfiable);
      return;
    }
    w.header().set("Content-Range", content_range(part, *size));
  }
  send_head(w, ranges->empty() ? status_ok : status_partial_content, part.length);
  if (with_body) {
    w.read_from(io::limit_reader(content, part.length));
  }
}

void serve_content(response_writer& w, request& r, std::string_view name, std::chrono::system_clock::time_point modtime,
                   const io::read_seeker& content) {
  serve_sized(w, r, name, modified_at(modtime), content, [&]() -> std::optional<std::int64_t> {
    const auto [size, err] = content.seek(0, io::seek_from::end);
    return err || !goes_to(content, 0) ? std::nullopt : std::optional(size);
  });
}

}  // namespace gossamer::inline v0::http
