// read_dir: what a directory holds. See gossamer/os/file.hpp, gossamer/os/root.hpp.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>

#include "gossamer/os/root.hpp"
#include "os/file_calls.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::os {

namespace {

using net::trouble;

constexpr std::size_t room_bytes = std::size_t{32} << 10U;

bool is_own_or_parent(std::string_view name) noexcept { return name == "." || name == ".."; }

// The kind of what is at that name, where the directory itself does not say it; nothing if it is gone.
std::optional<unsigned> kind_at(int directory, const char* name) noexcept {
  struct ::stat s{};
  const ssize_t n = call([&] { return ::fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW); });
  return n == 0 ? std::optional<unsigned>(s.st_mode & S_IFMT) : std::nullopt;
}

// Takes entries out of what the kernel has delivered until there are `most`. Where the next one lies in the directory;
// nothing if all have been taken.
std::optional<off_t> take(int directory, std::span<const std::byte> from, std::size_t most,
                          std::vector<dir_entry>& to) {
  off_t next = 0;
  while (!from.empty()) {
    if (to.size() == most) {
      return next;
    }
    const auto* const d = reinterpret_cast<const struct ::dirent64*>(from.data());
    if (const char* const name = d->d_name; !is_own_or_parent(name)) {
      const auto kind = d->d_type == DT_UNKNOWN ? kind_at(directory, name) : std::optional<unsigned>(DTTOIF(d->d_type));
      if (kind) {
        to.push_back({name, *kind});
      }
    }
    next = d->d_off;
    from = from.subspan(d->d_reclen);
  }
  return std::nullopt;
}

}  // namespace

std::pair<std::vector<dir_entry>, error> file::read_dir(int n) const {
  file_core* const f = file_access::core(*this);
  if (f == nullptr) {
    return {std::vector<dir_entry>(), system_error(EINVAL)};
  }
  const std::size_t most = n > 0 ? static_cast<std::size_t>(n) : ~std::size_t{0};
  const auto room = std::make_unique_for_overwrite<std::byte[]>(room_bytes);
  std::vector<dir_entry> all;
  trouble t;
  const using_file open_meanwhile(*f);  // a failure shows with the first call
  while (!t && all.size() < most) {
    ssize_t got = 0;
    t = use_for(*f, "getdents64", got, [&] { return ::getdents64(f->number(), room.get(), room_bytes); });
    if (!t && got > 0) {
      if (const auto back_to = take(f->number(), {room.get(), static_cast<std::size_t>(got)}, most, all)) {
        ssize_t unused = 0;
        t = use_for(*f, "lseek", unused, [&] { return ::lseek(f->number(), *back_to, SEEK_SET); });
      }
    }
    assert(all.size() <= most);
    if (!t && got == 0) {
      return {std::move(all), n > 0 && all.empty() ? error(io::eof) : error()};
    }
  }
  return {std::move(all), f->fail("readdirent", t)};
}

std::pair<std::vector<dir_entry>, error> read_dir(std::string_view path) {
  auto [f, err] = open_file(path, O_RDONLY | O_DIRECTORY, 0);  // nothing else is to be waited for
  if (err) {
    return {std::vector<dir_entry>(), std::move(err)};
  }
  auto all = f.read_dir();
  std::ranges::sort(all.first, {}, &dir_entry::name);
  return all;
}

}  // namespace gossamer::inline v0::os
