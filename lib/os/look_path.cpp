// look_path: see gossamer/os/command.hpp.
// Source: Go's exec.LookPath. Differs: what lies in the current directory is `./x` where Go's path is `x`, so that a
// command takes it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "gossamer/os/command.hpp"
#include "gossamer/runtime.hpp"

namespace gossamer::inline v0::os {

namespace {

// What keeps it from being executed.
error why_not(const std::string& path) {
  if (error none = stat(path).second) {
    return none;
  }
  const int problem = runtime::blocking([&] {
    struct ::stat s{};
    if (::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) {
      return EISDIR;
    }
    // By the user that the program will have, and false on a file system where nothing is executed.
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) {
      return 0;
    }
    // Where the kernel, or a filter of system calls, has no such call: as Go does.
    const bool unknown = errno == EPERM || errno == ENOSYS;
    return !unknown ? errno : (s.st_mode & 0111) != 0 ? 0 : EACCES;
  });
  return problem == 0 ? error() : error(system_error(problem));
}

}  // namespace

std::pair<std::string, error> look_path(std::string_view name) {
  std::string path(name);
  if (name.find('\0') != name.npos) {
    return {std::string(), exec_error(std::move(path), system_error(EINVAL))};
  }
  if (name.find('/') != name.npos) {
    error problem = why_not(path);
    return problem ? std::pair(std::string(), error(exec_error(std::move(path), std::move(problem))))
                   : std::pair(std::move(path), error());
  }
  const char* const value = std::getenv("PATH");
  std::string_view rest = value != nullptr ? value : "";
  for (bool more = !name.empty() && !rest.empty(); more;) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    more = colon != rest.npos;
    rest.remove_prefix(more ? colon + 1 : rest.size());
    path = std::string(folder.empty() ? "." : folder) + "/" + std::string(name);
    if (!why_not(path)) {
      error refused = folder.starts_with('/') ? error() : error(exec_error(std::string(name), err_dot));
      return {std::move(path), std::move(refused)};
    }
  }
  return {std::string(), exec_error(std::string(name), not_found)};
}

}  // namespace gossamer::inline v0::os
