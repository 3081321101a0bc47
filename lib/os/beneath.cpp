// See os/beneath.hpp.
#include "os/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

namespace gossamer::inline v0::os {

namespace {

constexpr int most_links = 40;  // as the kernel
constexpr int most_tries = 8;

// The directories between the one that all begins with and where we are.
class descent {
 public:
  explicit descent(int bottom) noexcept : bottom_(bottom) {}
  descent(const descent&) = delete;
  descent& operator=(const descent&) = delete;
  ~descent() {
    while (up()) {
    }
  }
  int here() const noexcept { return below_.empty() ? bottom_ : below_.back(); }
  // 0, or a negative errno.
  int down(const char* name) {
    assert(std::string_view(name) != ".." && std::string_view(name).find('/') == std::string_view::npos);
    below_.reserve(below_.size() + 1);  // may throw, as long as there is nothing to be lost
    const int n = ::openat(here(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (n < 0) {
      return -errno;
    }
    below_.push_back(n);
    return 0;
  }
  bool up() noexcept {
    if (below_.empty()) {
      return false;
    }
    ::close(below_.back());
    below_.pop_back();
    return true;
  }

 private:
  const int bottom_;
  std::vector<int> below_;
};

std::string_view without_slashes(std::string_view s) noexcept {
  return s.substr(std::min(s.find_first_not_of('/'), s.size()));
}

// What the link of that name says; nothing if it is none.
std::optional<std::string> link_at(int directory, const char* name) {
  std::array<char, PATH_MAX> room;
  const ssize_t n = ::readlinkat(directory, name, room.data(), room.size());
  return n > 0 ? std::optional(std::string(room.data(), static_cast<std::size_t>(n))) : std::nullopt;
}

int walk(int directory, std::string left, int flags, mode_t permissions) {
  descent at(directory);
  for (int links = 0; !left.empty();) {
    if (left.front() == '/') {
      return -EXDEV;
    }
    const std::size_t length = std::min(left.find('/'), left.size());
    const std::string name = left.substr(0, length);
    const bool slash = length < left.size();
    std::string rest(without_slashes(std::string_view(left).substr(length)));
    const bool last = rest.empty();
    if (name == "." || name == "..") {
      if (name == ".." && !at.up()) {
        return -EXDEV;
      }
      left = std::move(rest);
      continue;
    }
    const bool is_itself =
        last && !slash && ((flags & O_NOFOLLOW) != 0 || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL));
    if (auto target = is_itself ? std::nullopt : link_at(at.here(), name.c_str())) {
      if (++links > most_links) {
        return -ELOOP;
      }
      left = *target + (slash ? "/" : "") + rest;
      continue;
    }
    if (last) {
      const int kind = slash ? O_DIRECTORY : 0;
      const int n = ::openat(at.here(), name.c_str(), flags | kind | O_NOFOLLOW | O_CLOEXEC, permissions);
      return n >= 0 ? n : -errno;
    }
    if (const int problem = at.down(name.c_str()); problem != 0) {
      return problem;
    }
    left = std::move(rest);
  }
  const int n = ::openat(at.here(), ".", flags | O_CLOEXEC, permissions);
  return n >= 0 ? n : -errno;
}

}  // namespace

int open_by_steps(int directory, const std::string& path, int flags, mode_t permissions) noexcept {
  try {
    return path.empty() ? -ENOENT : walk(directory, path, flags, permissions);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

int open_beneath(int directory, const std::string& path, int flags, mode_t permissions) noexcept {
  struct ::open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? permissions : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int i = 0; i < most_tries; i++) {
    const long n = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (n >= 0) {
      return static_cast<int>(n);
    }
    switch (errno) {
      case EAGAIN:  // something was renamed meanwhile, and a `..` may have led out
        continue;
      case ENOSYS:
      case EPERM:  // what some sandboxes say of a call that they do not know
        return open_by_steps(directory, path, flags, permissions);
      default:
        return -errno;
    }
  }
  return open_by_steps(directory, path, flags, permissions);
}

}  // namespace gossamer::inline v0::os
