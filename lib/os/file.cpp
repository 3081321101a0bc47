// file: see gossamer/os/file.hpp.
#include "gossamer/os/file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "base/without_sigpipe.hpp"
#include "gossamer/runtime.hpp"
#include "net/fd.hpp"
#include "net/foreign.hpp"
#include "net/socket.hpp"
#include "os/file_calls.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

namespace {

using net::trouble;

error of_nil() { return system_error(EINVAL); }

std::size_t size_of(ssize_t n) noexcept { return n > 0 ? static_cast<std::size_t>(n) : 0; }

constinit const errors::sentinel negative_offset{"negative offset"};
constinit const errors::sentinel writes_at_end{"os: invalid use of WriteAt on file opened with O_APPEND"};

// The last name of it. Source: Go's filepath.Base.
std::string_view base_of(std::string_view path) noexcept {
  if (path.empty()) {
    return ".";
  }
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return path.size() == 1 ? path : path.substr(path.rfind('/') + 1);
}

// use_for(), of a read or a write. The number of what is not watched may not block all the same: another process has
// made that so which shares the open file, as it may a terminal.
template <class F>
trouble transfer(file_core& f, const char* name, short events, const net::ending& end, ssize_t& n, F attempt) {
  for (;;) {
    trouble t = use_for(f, name, n, attempt);
    if (t.why != trouble::kind::refused || t.code != EAGAIN) {
      return t;
    }
    const using_file inside(f);
    if (!inside) {
      return {trouble::kind::shut};
    }
    short got = 0;
    t = net::await_foreign(f.number(), events, got, end, std::source_location::current());
    if (t) {
      return t;
    }
    runtime::gosched();  // some devices say that they are ready, and are not
  }
}

}  // namespace

file_info info_of(std::string_view path, const struct ::stat& s) {
  const auto since = std::chrono::seconds(s.st_mtim.tv_sec) + std::chrono::nanoseconds(s.st_mtim.tv_nsec);
  file_info i;
  i.name = std::string(base_of(path));
  i.size = s.st_size;
  i.mode = s.st_mode;
  i.mod_time =
      std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
  return i;
}

// ---- reading and writing --------------------------------------------------------------------------------------------

file::io_result file::read_some(std::span<std::byte> to, const net::ending& end) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {0, of_nil()};
  }
  const std::size_t most = std::min(to.size(), net::most_at_once);
  trouble t;
  ssize_t n = 0;
  const auto attempt = [&] { return ::read(f->number(), to.data(), most); };
  if (f->is_watched() && most > 0) {  // an empty read has nothing to wait for
    const auto where = std::source_location::current();
    n = net::operation(f->fd(), net::way::in, end, where).perform(t, "", 0, [&] { return net::result_of(attempt()); });
  } else {
    t = transfer(*f, "read", POLLIN, end, n, attempt);
  }
  if (!t && n == 0 && most > 0) {
    t = {trouble::kind::at_end};
  }
  return {t ? 0 : size_of(n), f->fail("read", t, end)};
}

file::io_result file::write_all(std::span<const std::byte> from, const net::ending& end) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {0, of_nil()};
  }
  std::size_t written = 0;
  trouble t;
  ssize_t n = 0;
  const auto attempt = [&] {
    const base::without_sigpipe quiet;
    const std::span<const std::byte> rest = from.subspan(written);
    return ::write(f->number(), rest.data(), std::min(rest.size(), net::most_at_once));
  };
  if (f->is_watched()) {
    if (from.empty()) {
      return {0, f->fail("write", f->fd().prospect(net::way::out, end.stop()), end)};
    }
    // One way out for all of it: no other write comes in between.
    const auto where = std::source_location::current();
    net::operation(f->fd(), net::way::out, end, where).perform(t, "", 0, [&] {
      while (written < from.size() && (n = net::result_of(attempt())) >= 0) {
        written += size_of(n);
      }
      return n;
    });
    assert(t || written == from.size());
    return {written, f->fail("write", t, end)};
  }
  do {
    t = transfer(*f, "write", POLLOUT, end, n, attempt);
    written += t ? 0 : size_of(n);
    if (!t && n == 0 && !from.empty()) {
      return {written, path_error("write", f->name(), io::unexpected_eof)};  // Source: Go's FD.Write.
    }
  } while (!t && written < from.size());
  return {written, f->fail("write", t, end)};
}

file::io_result file::read_all_at(std::span<std::byte> to, std::int64_t offset) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {0, of_nil()};
  }
  if (offset < 0) {
    return {0, path_error("readat", f->name(), negative_offset)};
  }
  std::size_t got = 0;
  trouble t;
  while (!t && got < to.size()) {
    const std::span<std::byte> rest = to.subspan(got);
    ssize_t n = 0;
    t = use_for(*f, "read", n, [&] {
      return ::pread(f->number(), rest.data(), std::min(rest.size(), net::most_at_once),
                     static_cast<off_t>(offset + static_cast<std::int64_t>(got)));
    });
    got += t ? 0 : size_of(n);
    if (!t && n == 0) {
      t = {trouble::kind::at_end};
    }
  }
  return {got, f->fail("read", t)};
}

file::io_result file::write_all_at(std::span<const std::byte> from, std::int64_t offset) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {0, of_nil()};
  }
  if (f->appends()) {  // the kernel would put it there whatever the offset
    return {0, writes_at_end};
  }
  if (offset < 0) {
    return {0, path_error("writeat", f->name(), negative_offset)};
  }
  std::size_t written = 0;
  trouble t;
  while (!t && written < from.size()) {
    const std::span<const std::byte> rest = from.subspan(written);
    ssize_t n = 0;
    t = use_for(*f, "write", n, [&] {
      return ::pwrite(f->number(), rest.data(), std::min(rest.size(), net::most_at_once),
                      static_cast<off_t>(offset + static_cast<std::int64_t>(written)));
    });
    written += t ? 0 : size_of(n);
  }
  return {written, f->fail("write", t)};
}

// ---- all else -------------------------------------------------------------------------------------------------------

std::pair<std::int64_t, error> file::seek(std::int64_t offset, seek_from whence) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {0, of_nil()};
  }
  const int from = whence == seek_from::start ? SEEK_SET : whence == seek_from::current ? SEEK_CUR : SEEK_END;
  ssize_t at = 0;
  const trouble t = use_for(*f, "lseek", at, [&] { return ::lseek(f->number(), static_cast<off_t>(offset), from); });
  return {t ? 0 : at, f->fail("seek", t)};
}

error file::truncate(std::int64_t size) const {
  file_core* const f = file_access::core(*this);
  ssize_t unused = 0;
  return f == nullptr ? of_nil() : f->fail("truncate", use_for(*f, "ftruncate", unused, [&] {
                                             return ::ftruncate(f->number(), static_cast<off_t>(size));
                                           }));
}

error file::sync() const {
  file_core* const f = file_access::core(*this);
  ssize_t unused = 0;
  return f == nullptr ? of_nil() : f->fail("sync", use_for(*f, "fsync", unused, [&] { return ::fsync(f->number()); }));
}

std::pair<file_info, error> file::stat() const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {{}, of_nil()};
  }
  struct ::stat s{};
  ssize_t unused = 0;
  const trouble t = use_for(*f, "fstat", unused, [&] { return ::fstat(f->number(), &s); });
  return {t ? file_info() : info_of(f->name(), s), f->fail("stat", t)};
}

error file::close() const {
  file_core* const f = file_access::core(*this);
  return f == nullptr ? of_nil() : f->fail("close", f->close());
}

error file::set_deadlines(detail::deadline when) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return of_nil();
  }
  if (!f->is_watched()) {
    return no_deadline;
  }
  return f->fail("set deadline", f->fd().set_deadline(true, true, detail::on_machine_clock(when)));
}

std::string file::name() const {
  const file_core* const f = file_access::core(*this);
  return f == nullptr ? std::string() : f->name();
}

int file::native_handle() const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return -1;
  }
  const using_file inside(*f);
  if (inside && f->is_watched()) {
    f->fd().leaves_set_first();  // what becomes of it nobody knows
  }
  return inside ? f->number() : -1;
}

// ---- opening --------------------------------------------------------------------------------------------------------

std::pair<file, error> open_file(std::string_view path, int flags, unsigned permissions) {
  const std::string name(path);
  const ssize_t n =
      !is_path(path) ? -EINVAL : call([&] { return ::open(name.c_str(), flags | O_CLOEXEC, permissions); });
  if (n < 0) {
    return {nullptr, path_failure("open", path, n)};
  }
  return {opened_file(name, static_cast<int>(n), flags), nullptr};
}

file opened_file(std::string name, int number, int flags) {
  struct ::stat s{};
  if (::fstat(number, &s) != 0 || !S_ISFIFO(s.st_mode) || ::fcntl(number, F_SETFL, flags | O_NONBLOCK) != 0) {
    auto* const core = new file_core(std::move(name), number);
    core->note_flags(flags);
    return file(core);
  }
  trouble refused;
  file f = watched_file(std::move(name), number, refused);
  if (refused) {
    ::fcntl(number, F_SETFL, flags);  // nobody can wait for it: it blocks, as all else does
  }
  return f;
}

std::pair<file, error> open(std::string_view path) { return open_file(path, O_RDONLY, 0); }

std::pair<file, error> create(std::string_view path) { return open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0666); }

pipe_ends pipe() {
  int numbers[2];
  if (::pipe2(numbers, O_CLOEXEC | O_NONBLOCK) != 0) {
    return {nullptr, nullptr, syscall_error("pipe2", errno)};
  }
  file ends[2];
  trouble refused[2];
  for (const int i : {0, 1}) {
    ends[i] = watched_file(i == 0 ? "|0" : "|1", numbers[i], refused[i]);
  }
  if (const trouble& t = refused[0] ? refused[0] : refused[1]) {
    return {nullptr, nullptr, syscall_error(t.call, t.code)};
  }
  return {ends[0], ends[1], nullptr};
}

namespace {

// Never destroyed: a static's destructor may still write.
const file& standard_stream(const char* name, int number) {
  auto* const core = new file_core(name, number, file_core::kind::foreign);
  core->note_flags(::fcntl(number, F_GETFL));
  return *new file(core);
}

}  // namespace

const file& standard_input() {
  static const file& f = standard_stream("/dev/stdin", 0);
  return f;
}

const file& standard_output() {
  static const file& f = standard_stream("/dev/stdout", 1);
  return f;
}

const file& standard_error() {
  static const file& f = standard_stream("/dev/stderr", 2);
  return f;
}

// ---- by path --------------------------------------------------------------------------------------------------------

std::pair<std::string, error> read_file(std::string_view path) {
  auto [f, err] = open(path);
  if (err) {
    return {std::string(), std::move(err)};
  }
  std::string all;
  // One more than its size, so that the end is seen without growing; /proc says 0.
  all.resize(std::max<std::size_t>(512, static_cast<std::size_t>(std::max<std::int64_t>(f.stat().first.size, 0)) + 1));
  std::size_t used = 0;
  for (;;) {
    assert(used < all.size());
    auto [n, read_error] = f.read(std::span(all).subspan(used));
    used += n;
    if (read_error) {
      all.resize(used);
      return {std::move(all), read_error == io::eof ? error() : std::move(read_error)};
    }
    if (used == all.size()) {
      all.resize(all.size() + all.size() / 2);
    }
  }
}

error write_file(std::string_view path, std::span<const std::byte> content, unsigned permissions) {
  auto [f, err] = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, permissions);
  if (err) {
    return err;
  }
  err = f.write(content).second;
  error close_error = f.close();
  return err ? err : close_error;
}

std::pair<file_info, error> stat(std::string_view path) {
  const std::string name(path);
  struct ::stat s{};
  const ssize_t n = !is_path(path) ? -EINVAL : call([&] { return ::stat(name.c_str(), &s); });
  return {n < 0 ? file_info() : info_of(path, s), path_failure("stat", path, n)};
}

error remove(std::string_view path) {
  const std::string name(path);
  const ssize_t n = !is_path(path) ? -EINVAL : call([&] { return ::remove(name.c_str()); });
  return path_failure("remove", path, n);
}

constinit const errors::sentinel closed{"file already closed"};
constinit const errors::sentinel no_deadline{"file type does not support deadline"};

}  // namespace gossamer::inline v0::os
