#include <algorithm>
#include <array>
#include <cerrno>

#include "gossamer/errors.hpp"
#include "http/ascii.hpp"
#include "http/multipart_state.hpp"
#include "http/quote.hpp"
#include "http/quoted_printable.hpp"

namespace gossamer::inline v0::http::multipart {

constinit const errors::sentinel message_too_large{"multipart: message too large"};

namespace {

using std::string_view;

// Never asks again below an error, which a reader need not repeat.
class until_error final : public io::reader_interface {
 public:
  explicit until_error(io::reader from) noexcept : from_(std::move(from)) {}
  io::result read(std::span<std::byte> to) override {
    if (err_) {
      return {0, err_};
    }
    const auto [n, err] = from_.read(to);
    err_ = err;
    return {n, err};
  }

 private:
  io::reader from_;
  gossamer::error err_;
};

string_view skip_blanks(string_view s) noexcept {
  s.remove_prefix(std::min(s.find_first_not_of(" \t"), s.size()));
  return s;
}

enum class verdict : std::uint8_t { no, open, yes };

// Whether a delimiter that stands before `behind` is one: a longer word is none. `at_end`: nothing follows.
verdict judge(string_view behind, bool at_end) noexcept {
  if (behind.empty()) {
    return at_end ? verdict::yes : verdict::open;
  }
  if (string_view(" \t\r\n").find(behind.front()) != string_view::npos || behind.starts_with("--")) {
    return verdict::yes;
  }
  return behind == "-" && !at_end ? verdict::open : verdict::no;
}

struct found {
  std::size_t content;
  gossamer::error behind;
};

// How many bytes at the front of `buffer` are content for sure, and what comes behind them: io::eof, a delimiter; nil,
// more has to be read. `delimiter` is dash_boundary behind a line end, which is not there before the first byte.
found scan(string_view buffer, string_view dash_boundary, string_view delimiter, bool at_start,
           const gossamer::error& read_err) {
  const bool at_end = static_cast<bool>(read_err);
  const auto answer = [&](std::size_t at, string_view word) -> found {
    switch (judge(buffer.substr(at + word.size()), at_end)) {
      case verdict::no:
        return {at + word.size(), nullptr};
      case verdict::open:
        return {at, nullptr};
      case verdict::yes:
        break;
    }
    return {at, io::eof};
  };
  if (at_start && buffer.starts_with(dash_boundary)) {
    return answer(0, dash_boundary);
  }
  if (at_start && dash_boundary.starts_with(buffer)) {
    return {0, read_err};
  }
  if (const std::size_t at = buffer.find(delimiter); at != string_view::npos) {
    return answer(at, delimiter);
  }
  if (delimiter.starts_with(buffer)) {
    return {0, read_err};
  }
  // The last line may be the beginning of one.
  const std::size_t line = buffer.rfind(delimiter.front());
  if (line != string_view::npos && delimiter.starts_with(buffer.substr(line))) {
    return {line, nullptr};
  }
  return {buffer.size(), read_err};
}

string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

reader_state::reader_state(io::reader from, std::string_view boundary)
    : from_(io::make_reader<until_error>(std::move(from))), delimiter_("\r\n--") {
  delimiter_ += boundary;
}

// Decides on what is in the buffer, or reads more.
void reader_state::look() {
  const auto size = static_cast<std::int64_t>(from_.buffered());
  const string_view buffer = as_text(from_.peek(size).first);
  const found f = scan(buffer, dash_boundary(), delimiter_, total_ == 0, read_err_);
  ready_ = f.content;
  end_ = f.behind;
  if (ready_ == 0 && !end_) {
    read_err_ = from_.peek(size + 1).second;
    if (read_err_ == io::eof) {
      read_err_ = io::unexpected_eof;
    }
  }
}

io::result reader_state::read(std::span<std::byte> to) {
  if (to.empty()) {
    return {0, nullptr};
  }
  while (ready_ == 0 && !end_) {
    look();
  }
  if (ready_ == 0) {
    return {0, end_};
  }
  const std::size_t n = from_.read(to.first(std::min(to.size(), ready_))).first;
  total_ += static_cast<std::int64_t>(n);
  ready_ -= n;
  return {n, ready_ == 0 ? end_ : gossamer::error()};
}

void reader_state::skip_part() {
  while (number > 0 && (ready_ > 0 || !end_)) {
    if (ready_ == 0) {
      look();
      continue;
    }
    const std::int64_t n = from_.skip(static_cast<std::int64_t>(ready_)).first;
    total_ += n;
    ready_ -= static_cast<std::size_t>(n);
  }
}

bool reader_state::is_final(string_view line) const noexcept {
  const string_view dashes = dash_boundary();
  if (!line.starts_with(dashes) || !line.substr(dashes.size()).starts_with("--")) {
    return false;
  }
  const string_view rest = skip_blanks(line.substr(dashes.size() + 2));
  return rest.empty() || is_line_end(rest);
}

bool reader_state::is_delimiter(string_view line) {
  if (!line.starts_with(dash_boundary())) {
    return false;
  }
  const string_view rest = skip_blanks(line.substr(dash_boundary().size()));
  if (number == 0 && nl_bytes_ == 2 && rest == "\n") {
    delimiter_.erase(0, 1);
    nl_bytes_ = 1;
    return true;
  }
  return is_line_end(rest);
}

std::pair<header, gossamer::error> reader_state::next(mime_limits limits) {
  skip_part();
  if (dash_boundary() == "--") {
    return {{}, errors::make("multipart: boundary is empty")};
  }
  for (bool separated = false;;) {
    const auto [line, err] = from_.read_slice('\n');
    if (is_final(line) && (!err || err == io::eof)) {
      return {{}, io::eof};
    }
    if (err) {
      return {{}, errors::wrap(err, "multipart: NextPart")};
    }
    if (is_delimiter(line)) {
      number++;
      ready_ = 0;
      end_ = nullptr;
      total_ = 0;
      read_err_ = nullptr;
      return read_mime_header(from_, limits);
    }
    if (separated) {
      return {{}, errors::make("multipart: expecting a new Part; got line ", quote(line))};
    }
    if (number == 0) {
      continue;  // what stands before the first part
    }
    if (!is_line_end(line)) {
      return {{}, errors::make("multipart: unexpected line in Next(): ", quote(line))};
    }
    separated = true;  // the line end that is a part of the delimiter
  }
}

namespace {

// What stands before the last slash is not the server's business.
std::string base_name(string_view path) {
  const std::size_t last = path.find_last_not_of('/');
  if (last == string_view::npos) {
    return path.empty() ? "" : "/";
  }
  path = path.substr(0, last + 1);
  return std::string(path.substr(path.rfind('/') + 1));
}

part_state::disposition& disposition_of(part_state& p) {
  if (!p.what) {
    auto [type, all, err] = mime::parse_media_type(p.header.get("Content-Disposition"));
    part_state::disposition d;
    d.type = std::move(type);
    if (!err) {
      d.all = std::move(all);
    }
    if (const auto name = d.all.find("filename"); name != d.all.end()) {
      d.file_name = base_name(name->second);
    }
    p.what = std::move(d);
  }
  return *p.what;
}

// A part's content as it stands.
class raw_content final : public io::reader_interface {
 public:
  raw_content(std::shared_ptr<reader_state> of, std::size_t number) noexcept : of_(std::move(of)), number_(number) {}
  io::result read(std::span<std::byte> to) override {
    return of_->number == number_ ? of_->read(to) : io::result(0, io::eof);
  }

 private:
  std::shared_ptr<reader_state> of_;
  std::size_t number_;
};

}  // namespace

std::pair<part, gossamer::error> next_part_of(const std::shared_ptr<reader_state>& r, bool raw, mime_limits limits) {
  if (!r) {
    return {part(), os::system_error(EINVAL)};
  }
  auto [fields, err] = r->next(limits);
  if (err) {
    return {part(), err};
  }
  auto p = std::make_shared<part_state>();
  p->of = r;
  p->number = r->number;
  p->header = std::move(fields);
  constexpr string_view encoding = "Content-Transfer-Encoding";
  if (!raw && same_name(p->header.get(encoding), "quoted-printable")) {
    p->header.del(encoding);
    p->decoded = io::reader(std::make_unique<quoted_printable_reader>(io::make_reader<raw_content>(r, p->number)));
  }
  return {part(std::move(p)), nullptr};
}

http::header& part::header() const noexcept { return its_->header; }

std::string_view part::form_name() const {
  const auto& d = disposition_of(*its_);
  const auto name = d.all.find("name");
  return d.type == "form-data" && name != d.all.end() ? string_view(name->second) : string_view();
}

std::string_view part::file_name() const { return disposition_of(*its_).file_name; }

io::result part::read_some(std::span<std::byte> to) const {
  if (!its_) {
    return {0, os::system_error(EINVAL)};
  }
  if (its_->decoded) {
    return its_->decoded.read(to);
  }
  return its_->of->number == its_->number ? its_->of->read(to) : io::result(0, io::eof);
}

gossamer::error part::close() const {
  std::array<std::byte, 4096> room{};
  while (!read_some(room).second) {
  }
  return nullptr;
}

reader::reader(io::reader from, std::string_view boundary)
    : its_(std::make_shared<reader_state>(std::move(from), boundary)) {}

std::pair<part, gossamer::error> reader::next_part() const { return next_part_of(its_, false, default_limits); }
std::pair<part, gossamer::error> reader::next_raw_part() const { return next_part_of(its_, true, default_limits); }

}  // namespace gossamer::inline v0::http::multipart
