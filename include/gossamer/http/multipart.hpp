// http/multipart: messages of several parts, as forms with files are sent.
// Source: Go's mime/multipart; RFC 2046, 7578. Differs: readers, parts and files are handles; a file on disk has no
// name while it is used, so that nothing is left behind, however the program ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/bytes.hpp"
#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "../io/interfaces.hpp"
#include "../io/stream.hpp"
#include "header.hpp"
#include "media_type.hpp"
#include "values.hpp"

namespace gossamer::inline v0::http::multipart {

// `multipart: message too large`: a form has more than 1,000 parts, or more text than may be kept; or a part's header
// has more than 10,000 fields or 10 MiB.
GOSSAMER_API extern const errors::sentinel message_too_large;

struct reader_state;  // lib/http
struct part_state;
struct content;

// A part of a message: its fields, and what follows them, up to the next part. A handle. Good until the reader's next
// next_part(), which skips what was not read; later reads find the end.
class GOSSAMER_API part {
 public:
  part() noexcept = default;
  explicit part(std::shared_ptr<part_state> of) noexcept : its_(std::move(of)) {}

  http::header& header() const noexcept;
  // Of `Content-Disposition: form-data; name="X"`; else empty.
  std::string_view form_name() const;
  // `filename`, without the path that stands before it; empty where there is none.
  std::string_view file_name() const;
  // io::eof at the end of the part; io::unexpected_eof where the message ends within it.
  template <detail::writable_bytes R>
  io::result read(R&& to) const {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  // Skips what has not been read.
  gossamer::error close() const;

  explicit operator bool() const noexcept { return its_ != nullptr; }

 private:
  io::result read_some(std::span<std::byte> to) const;
  std::shared_ptr<part_state> its_;
};

// A file of a form, in memory or on disk, to be read. A handle. read_at() from several fibers at once, the other calls
// not. A nil one fails with `invalid argument`.
class GOSSAMER_API file {
 public:
  file() noexcept = default;
  explicit file(std::shared_ptr<content> of);

  template <detail::writable_bytes R>
  io::result read(R&& to) const {
    return read_some(std::as_writable_bytes(std::span(to)));
  }
  template <detail::writable_bytes R>
  io::result read_at(R&& to, std::int64_t offset) const {
    return read_some_at(std::as_writable_bytes(std::span(to)), offset);
  }
  io::place seek(std::int64_t offset, io::seek_from whence) const;
  std::int64_t size() const noexcept;
  // Does nothing: the last handle frees it.
  gossamer::error close() const noexcept { return nullptr; }

  explicit operator bool() const noexcept { return its_ != nullptr; }

 private:
  struct opened;
  io::result read_some(std::span<std::byte> to) const;
  io::result read_some_at(std::span<std::byte> to, std::int64_t offset) const;
  std::shared_ptr<opened> its_;
};

// What a form says of a file. A value; copies have the same content.
struct GOSSAMER_API file_header {
  std::string file_name;
  http::header header;
  std::int64_t size = 0;
  // Where it is kept. For the library.
  std::shared_ptr<multipart::content> content;

  // From its beginning, each time. Error, after form::remove_all(), for what was on disk: `open multipart: no such file
  // or directory`.
  std::pair<multipart::file, gossamer::error> open() const;
};

// A form that was read. A value; copies have the same files.
struct GOSSAMER_API form {
  http::values value;
  std::map<std::string, std::vector<file_header>, std::less<>> file;

  // Gives up the files that are on disk: they go with the last handle that has opened one of them. So they do with the
  // last copy of the form (a server's request ends with its handler).
  gossamer::error remove_all();
};

// Reads a message part by part, as it comes. A handle; one fiber at a time.
class GOSSAMER_API reader {
 public:
  reader() noexcept = default;
  // `boundary` as the Content-Type has it.
  reader(io::reader from, std::string_view boundary);

  // The next one; io::eof behind the last. One with `Content-Transfer-Encoding: quoted-printable` is decoded, and loses
  // that field; next_raw_part() leaves it as it is. Errors: `multipart: NextPart: EOF` where the message ends without
  // the closing boundary, and the like; `multipart: boundary is empty`; `malformed MIME header line: "X"`;
  // message_too_large.
  std::pair<part, gossamer::error> next_part() const;
  std::pair<part, gossamer::error> next_raw_part() const;
  // All of it: the parts that have a form_name(). Up to max_memory bytes of files are kept in memory, and up to
  // 10 MiB, and what the files leave of max_memory, of all else, headers included; files that do not fit go to disk,
  // all into one, in TMPDIR or /tmp. Errors: those of next_part(), of reading and of the file; message_too_large.
  std::pair<form, gossamer::error> read_form(std::int64_t max_memory) const;

  explicit operator bool() const noexcept { return its_ != nullptr; }

 private:
  std::shared_ptr<reader_state> its_;
};

// Writes a message. In place; one fiber at a time.
class GOSSAMER_API writer {
 public:
  // With a boundary of 60 random digits.
  explicit writer(io::writer to);
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  const std::string& boundary() const noexcept { return boundary_; }
  // Before the first part. Errors: `mime: SetBoundary called after write`, `mime: invalid boundary length` (1 to 70),
  // `mime: invalid boundary character`.
  gossamer::error set_boundary(std::string_view boundary);
  // `multipart/form-data; boundary=X`
  std::string form_data_content_type() const;

  // Begins a part with these fields, sorted by name; what is written to the result is its content, until the next one
  // begins: `multipart: can't write to finished part`. The result refers to this writer. Names and values are written
  // as they are.
  std::pair<io::writer, gossamer::error> create_part(const http::header& fields);
  // With Content-Disposition and, for a file, `Content-Type: application/octet-stream`. Names are escaped.
  std::pair<io::writer, gossamer::error> create_form_field(std::string_view name);
  std::pair<io::writer, gossamer::error> create_form_file(std::string_view name, std::string_view file_name);
  gossamer::error write_field(std::string_view name, std::string_view value);
  // Writes the closing boundary; does not close what is written to. Fails with what a write of the last part has failed
  // with.
  gossamer::error close();

 private:
  struct part_writer;
  gossamer::error end_part();
  io::writer to_;
  std::string boundary_;
  std::shared_ptr<part_writer> last_;
};

// `form-data; name="X"; filename="Y"`
[[nodiscard]] GOSSAMER_API std::string file_content_disposition(std::string_view name, std::string_view file_name);

}  // namespace gossamer::inline v0::http::multipart
