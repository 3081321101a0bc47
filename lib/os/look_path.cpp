// look_path: see gossamer/os/command.hpp.
// Source: Go's exec.LookPath. Differs: directories of $PATH that are relative are passed over instead of found and
// refused.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "gossamer/os/command.hpp"
#include "gossamer/runtime.hpp"

namespace gossamer::inline v0::os {

namespace {

// The errno of what keeps it from being executed.
int why_not(const std::string& path) noexcept {
  return runtime::blocking([&] {
    struct ::stat s{};
    if (::stat(path.c_str(), &s) != 0) {
      return errno;
    }
    if (S_ISDIR(s.st_mode)) {
      return EISDIR;
    }
    return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
  });
}

}  // namespace

std::pair<std::string, error> look_path(std::string_view name) {
  std::string path(name);
  if (name.find('\0') != name.npos) {
    return {std::string(), exec_error(std::move(path), system_error(EINVAL))};
  }
  if (name.find('/') != name.npos) {
    const int problem = why_not(path);
    return {problem == 0 ? path : std::string(), problem == 0 ? error() : exec_error(path, system_error(problem))};
  }
  const char* const value = std::getenv("PATH");
  std::string_view rest = value != nullptr ? value : "";
  while (!name.empty() && !rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (folder.starts_with('/')) {
      path = std::string(folder) + "/" + std::string(name);
      if (why_not(path) == 0) {
        return {std::move(path), nullptr};
      }
    }
  }
  return {std::string(), exec_error(std::string(name), not_found)};
}

}  // namespace gossamer::inline v0::os
