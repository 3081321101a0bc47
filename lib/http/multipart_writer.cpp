#include <algorithm>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/http/multipart.hpp"
#include "http/ascii.hpp"
#include "http/head_text.hpp"
#include "http/random.hpp"

namespace gossamer::inline v0::http::multipart {

namespace {

// Between quotes.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '\r' || c == '\n') {
      out += c == '\r' ? "%0D" : "%0A";
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

bool is_boundary_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

std::string fields_text(const http::header& fields) {
  std::vector<const http::header::field*> sorted;
  for (const http::header::field& f : fields) {
    sorted.push_back(&f);
  }
  http::sort_by_name(sorted);
  std::string text;
  for (const http::header::field* const f : sorted) {
    text += f->name + ": " + f->value + "\r\n";
  }
  return text + "\r\n";
}

}  // namespace

struct writer::part_writer {
  explicit part_writer(io::writer to) noexcept : to_(std::move(to)) {}
  io::result write(std::span<const std::byte> from) {
    if (finished) {
      return {0, errors::make("multipart: can't write to finished part")};
    }
    auto [n, write_err] = to_.write(from);
    if (write_err) {
      err = write_err;
    }
    return {n, std::move(write_err)};
  }

  bool finished = false;
  gossamer::error err;

 private:
  io::writer to_;
};

writer::writer(io::writer to) : to_(std::move(to)), boundary_(random_hex<30>()) {}

gossamer::error writer::set_boundary(std::string_view boundary) {
  if (last_) {
    return errors::make("mime: SetBoundary called after write");
  }
  if (boundary.empty() || boundary.size() > 70) {
    return errors::make("mime: invalid boundary length");
  }
  if (!std::ranges::all_of(boundary, is_boundary_char) || boundary.back() == ' ') {
    return errors::make("mime: invalid boundary character");
  }
  boundary_ = boundary;
  return nullptr;
}

std::string writer::form_data_content_type() const {
  const bool in_quotes = boundary_.find_first_of("()<>@,;:\\\"/[]?= ") != std::string::npos;
  const char* const quote = in_quotes ? "\"" : "";
  return "multipart/form-data; boundary=" + (quote + boundary_) + quote;
}

gossamer::error writer::end_part() {
  if (!last_) {
    return nullptr;
  }
  last_->finished = true;
  return last_->err;
}

std::pair<io::writer, gossamer::error> writer::create_part(const http::header& fields) {
  if (const gossamer::error err = end_part()) {
    return {nullptr, err};
  }
  const std::string text = (last_ ? "\r\n--" : "--") + boundary_ + "\r\n" + fields_text(fields);
  if (const gossamer::error err = to_.write(text).second) {
    return {nullptr, err};
  }
  last_ = std::make_shared<part_writer>(to_);
  return {io::writer(last_), nullptr};
}

std::pair<io::writer, gossamer::error> writer::create_form_field(std::string_view name) {
  return create_part({{"Content-Disposition", "form-data; name=\"" + escaped(name) + '"'}});
}

std::pair<io::writer, gossamer::error> writer::create_form_file(std::string_view name, std::string_view file_name) {
  return create_part({{"Content-Disposition", file_content_disposition(name, file_name)},
                      {"Content-Type", "application/octet-stream"}});
}

gossamer::error writer::write_field(std::string_view name, std::string_view value) {
  const auto [to, err] = create_form_field(name);
  return err ? err : to.write(value).second;
}

gossamer::error writer::close() {
  if (const gossamer::error err = end_part()) {
    return err;
  }
  last_.reset();
  return to_.write("\r\n--" + boundary_ + "--\r\n").second;
}

std::string file_content_disposition(std::string_view name, std::string_view file_name) {
  return "form-data; name=\"" + escaped(name) + "\"; filename=\"" + escaped(file_name) + '"';
}

}  // namespace gossamer::inline v0::http::multipart
