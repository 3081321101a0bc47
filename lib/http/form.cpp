// What forms hold that a request brings: see gossamer/http/request.hpp.
#include <cstdint>
#include <limits>

#include "gossamer/http/request.hpp"
#include "gossamer/io.hpp"
#include "http/bounded.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel missing_file{"http: no such file"};
constinit const errors::sentinel not_multipart{"request Content-Type isn't multipart/form-data"};
constinit const errors::sentinel missing_boundary{"no multipart boundary param in Content-Type"};

struct form_state {
  enum class multipart_by : std::uint8_t { nobody, form, reader };

  bool has_form = false;
  bool has_post_form = false;
  multipart_by by = multipart_by::nobody;
  http::values form;
  http::values post_form;
  multipart::form multipart;
};

namespace {

using by = form_state::multipart_by;

constexpr std::int64_t max_post_bytes = std::int64_t{10} << 20U;
constexpr std::int64_t default_max_memory = std::int64_t{32} << 20U;

void add_all(values& to, const values& from) {
  for (const auto& [key, list] : from) {
    auto& all = to[key];
    all.insert(all.end(), list.begin(), list.end());
  }
}

gossamer::error handled_by_reader() { return errors::make("http: multipart handled by MultipartReader"); }

}  // namespace

form_state& request::forms() {
  if (!forms_) {
    forms_ = std::make_shared<form_state>();
  }
  return *forms_;
}

values& request::form() { return forms().form; }
values& request::post_form() { return forms().post_form; }
multipart::form* request::multipart_form() noexcept {
  return forms_ && forms_->by == by::form ? &forms_->multipart : nullptr;
}

// A body of another type is left alone.
gossamer::error request::parse_post_form(values& into) {
  if (!body) {
    return errors::make("missing form body");
  }
  const std::string_view type = header.get("Content-Type");
  const auto [media_type, all, type_err] =
      mime::parse_media_type(type.empty() ? std::string_view("application/octet-stream") : type);
  if (media_type != "application/x-www-form-urlencoded") {
    return type_err;
  }
  const bool bounded = is_bounded(body);
  const auto [text, read_err] = io::read_all(bounded ? io::reader(body) : io::limit_reader(body, max_post_bytes + 1));
  if (read_err) {
    return type_err ? type_err : read_err;
  }
  if (!bounded && std::cmp_greater(text.size(), max_post_bytes)) {
    return errors::make("http: POST too large");
  }
  const gossamer::error err = parse_query(text, into);
  return type_err ? type_err : err;
}

gossamer::error request::parse_form() {
  form_state& f = forms();
  gossamer::error err;
  if (!f.has_post_form) {
    f.has_post_form = true;
    if (method == "POST" || method == "PUT" || method == "PATCH") {
      err = parse_post_form(f.post_form);
    }
  }
  if (!f.has_form) {
    f.has_form = true;
    add_all(f.form, f.post_form);
    const gossamer::error query_err = parse_query(url.raw_query, f.form);
    err = err ? err : query_err;
  }
  return err;
}

std::pair<multipart::reader, gossamer::error> request::open_multipart(bool mixed_too) const {
  const std::string_view type = header.get("Content-Type");
  if (type.empty()) {
    return {multipart::reader(), not_multipart};
  }
  if (!body) {
    return {multipart::reader(), errors::make("missing form body")};
  }
  const auto [media_type, all, err] = mime::parse_media_type(type);
  if (err || (media_type != "multipart/form-data" && !(mixed_too && media_type == "multipart/mixed"))) {
    return {multipart::reader(), not_multipart};
  }
  const auto boundary = all.find("boundary");
  if (boundary == all.end()) {
    return {multipart::reader(), missing_boundary};
  }
  return {multipart::reader(body, boundary->second), nullptr};
}

gossamer::error request::parse_multipart_form(std::int64_t max_memory) {
  form_state& f = forms();
  if (f.by == by::reader) {
    return handled_by_reader();
  }
  const gossamer::error form_err = f.has_form ? gossamer::error() : parse_form();
  if (f.by == by::form) {
    return nullptr;
  }
  const auto [from, open_err] = open_multipart(false);
  if (open_err) {
    return open_err;
  }
  auto [read, err] = from.read_form(max_memory);
  if (err) {
    return err;
  }
  add_all(f.form, read.value);
  add_all(f.post_form, read.value);
  f.multipart = std::move(read);
  f.by = by::form;
  return form_err;
}

std::string_view request::form_value(std::string_view key) {
  if (!forms().has_form) {
    static_cast<void>(parse_multipart_form(default_max_memory));
  }
  return forms().form.get(key);
}

std::string_view request::post_form_value(std::string_view key) {
  if (!forms().has_post_form) {
    static_cast<void>(parse_multipart_form(default_max_memory));
  }
  return forms().post_form.get(key);
}

std::tuple<multipart::file, multipart::file_header, gossamer::error> request::form_file(std::string_view key) {
  using nothing = std::tuple<multipart::file, multipart::file_header, gossamer::error>;
  form_state& f = forms();
  if (f.by == by::reader) {
    return nothing{{}, {}, handled_by_reader()};
  }
  if (f.by == by::nobody) {
    if (gossamer::error err = parse_multipart_form(default_max_memory)) {
      return nothing{{}, {}, std::move(err)};
    }
  }
  const auto found = f.multipart.file.find(key);
  if (found == f.multipart.file.end() || found->second.empty()) {
    return nothing{{}, {}, missing_file};
  }
  const multipart::file_header& first = found->second.front();
  auto [file, err] = first.open();
  return {std::move(file), first, std::move(err)};
}

std::pair<multipart::reader, gossamer::error> request::multipart_reader() {
  form_state& f = forms();
  if (f.by != by::nobody) {
    return {multipart::reader(), errors::make(f.by == by::reader ? "http: MultipartReader called twice"
                                                                 : "http: multipart handled by ParseMultipartForm")};
  }
  f.by = by::reader;
  return open_multipart(true);
}

}  // namespace gossamer::inline v0::http
