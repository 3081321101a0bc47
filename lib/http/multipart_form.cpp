// A form with files: see gossamer/http/multipart.hpp.
// Source: Go's multipart.Reader.ReadForm.
#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <limits>

#include "gossamer/io.hpp"
#include "gossamer/os/file.hpp"
#include "http/multipart_state.hpp"
#include "http/random.hpp"

namespace gossamer::inline v0::http::multipart {

// Either text, or `size` bytes of a file from `offset` on. Not changed once it is shared.
struct content {
  std::string text;
  os::file on_disk;
  std::int64_t offset = 0;
  std::int64_t size = 0;
};

namespace {

constexpr int max_parts = 1000;
// Beside the bytes of files that may be in memory: for all else.
constexpr std::int64_t other_bytes = std::int64_t{10} << 20U;
// What an entry of a form takes beside its text.
constexpr std::int64_t entry_bytes = 200;
constexpr std::int64_t file_entry_bytes = 100;

struct text_at {
  std::shared_ptr<const content> of;
  io::result read_at(std::span<std::byte> to, std::int64_t offset) const {
    const std::size_t from = std::min(static_cast<std::size_t>(std::max<std::int64_t>(offset, 0)), of->text.size());
    const std::size_t n = std::min(to.size(), of->text.size() - from);
    std::memcpy(to.data(), of->text.data() + from, n);
    return {n, n < to.size() ? gossamer::error(io::eof) : gossamer::error()};
  }
};

io::reader_at reader_of(const std::shared_ptr<content>& c) {
  return c->on_disk ? io::reader_at(c->on_disk) : io::reader_at(text_at{c});
}

// A file without a name.
std::pair<os::file, gossamer::error> make_temporary() {
  const char* const dir = std::getenv("TMPDIR");
  const std::string path =
      (dir != nullptr && *dir != '\0' ? std::string(dir) : std::string("/tmp")) + "/multipart-" + random_hex<16>();
  auto [f, err] = os::open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!err) {
    err = os::remove(path);
  }
  return {err ? os::file() : std::move(f), err};
}

std::int64_t header_bytes(const http::header& fields) {
  std::int64_t bytes = 400;
  for (const http::header::field& f : fields) {
    bytes += static_cast<std::int64_t>(f.name.size() + f.value.size()) + entry_bytes;
  }
  return bytes;
}

// Appends at most n bytes; an end is no error.
gossamer::error append(std::string& to, const part& from, std::int64_t n) {
  io::buffer read;
  const auto [count, err] = io::copy_n(&read, from, n);
  to += read.text();
  return err == io::eof ? gossamer::error() : err;
}

std::int64_t length(std::string_view s) noexcept { return static_cast<std::int64_t>(s.size()); }

class form_reading {
 public:
  explicit form_reading(std::int64_t max_memory) noexcept
      : file_bytes_(
            std::clamp<std::int64_t>(max_memory, 0, std::numeric_limits<std::int64_t>::max() - other_bytes - 1)),
        bytes_(file_bytes_ + other_bytes) {}

  std::pair<form, gossamer::error> all(const std::shared_ptr<reader_state>& from) {
    for (int parts = 0;; parts++) {
      auto [p, err] = next_part_of(from, false, {bytes_, fields_});
      if (err == io::eof) {
        return {std::move(form_), nullptr};
      }
      if (!err && parts == max_parts) {
        err = message_too_large;
      }
      if (!err && !p.form_name().empty()) {
        err = take(p);
      }
      if (err) {
        return {form(), err};
      }
    }
  }

 private:
  // Whether so much more may be kept.
  bool may_keep(std::int64_t bytes) noexcept {
    bytes_ -= bytes;
    return bytes_ >= 0;
  }

  gossamer::error take(const part& p) {
    if (!may_keep(length(p.form_name()) + entry_bytes)) {
      return message_too_large;
    }
    return p.file_name().empty() ? take_text(p) : take_file(p);
  }

  gossamer::error take_text(const part& p) {
    std::string text;
    if (const gossamer::error err = append(text, p, bytes_ + 1)) {
      return err;
    }
    if (!may_keep(length(text))) {
      return message_too_large;
    }
    form_.value[p.form_name()].push_back(std::move(text));
    return nullptr;
  }

  gossamer::error take_file(const part& p) {
    if (!may_keep(header_bytes(p.header()) + entry_bytes + file_entry_bytes)) {
      return message_too_large;
    }
    fields_ -= static_cast<std::int64_t>(p.header().size());
    auto c = std::make_shared<content>();
    if (const gossamer::error err = append(c->text, p, file_bytes_ + 1)) {
      return err;
    }
    c->size = length(c->text);
    if (c->size > file_bytes_) {
      if (const gossamer::error err = to_disk(*c, p)) {
        return err;
      }
    } else {
      file_bytes_ -= c->size;
      bytes_ -= c->size;
    }
    file_header h{std::string(p.file_name()), p.header(), c->size, c};
    form_.file[std::string(p.form_name())].push_back(std::move(h));
    return nullptr;
  }

  // What there is of it, and the rest of the part, behind the files before.
  gossamer::error to_disk(content& c, const part& p) {
    if (!disk_) {
      gossamer::error err;
      std::tie(disk_, err) = make_temporary();
      if (err) {
        return err;
      }
    }
    if (const gossamer::error err = disk_.write(c.text).second) {
      return err;
    }
    const auto [rest, err] = io::copy(disk_, p);
    c.text = std::string();
    c.on_disk = disk_;
    c.offset = disk_bytes_;
    c.size += rest;
    disk_bytes_ += c.size;
    return err;
  }

  std::int64_t file_bytes_;  // that files may have in memory still
  std::int64_t bytes_;       // that may be kept still, those included
  std::int64_t fields_ = default_limits.fields;
  form form_;
  os::file disk_;
  std::int64_t disk_bytes_ = 0;
};

gossamer::error of_nil() { return os::system_error(EINVAL); }

}  // namespace

std::pair<form, gossamer::error> reader::read_form(std::int64_t max_memory) const {
  return form_reading(max_memory).all(its_);
}

gossamer::error form::remove_all() {
  for (auto& [name, headers] : file) {
    for (file_header& h : headers) {
      if (h.content && h.content->on_disk) {
        h.content.reset();
      }
    }
  }
  return nullptr;
}

std::pair<file, gossamer::error> file_header::open() const {
  if (!content) {
    return {multipart::file(), os::path_error("open", "multipart", os::system_error(ENOENT))};
  }
  return {multipart::file(content), nullptr};
}

struct file::opened {
  explicit opened(const std::shared_ptr<content>& of) : section(reader_of(of), of->offset, of->size) {}
  io::section_reader section;
};

file::file(std::shared_ptr<content> of) : its_(std::make_shared<opened>(of)) {}

io::result file::read_some(std::span<std::byte> to) const {
  return its_ ? its_->section.read(to) : io::result(0, of_nil());
}
io::result file::read_some_at(std::span<std::byte> to, std::int64_t offset) const {
  return its_ ? its_->section.read_at(to, offset) : io::result(0, of_nil());
}
io::place file::seek(std::int64_t offset, io::seek_from whence) const {
  return its_ ? its_->section.seek(offset, whence) : io::place(0, of_nil());
}
std::int64_t file::size() const noexcept { return its_ ? its_->section.size() : 0; }

}  // namespace gossamer::inline v0::http::multipart
