// environment: see environment.hpp.
#include "os/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <unordered_set>

namespace gossamer::inline v0::os {

namespace {

// As the shell that started this process names it, if that is right; links stay. Source: Go's os.Getwd.
std::string working_directory() {
  const char* const pwd = std::getenv("PWD");
  struct ::stat named{};
  struct ::stat here{};
  if (pwd != nullptr && pwd[0] == '/' && ::stat(pwd, &named) == 0 && ::stat(".", &here) == 0 &&
      named.st_dev == here.st_dev && named.st_ino == here.st_ino) {
    return pwd;
  }
  const std::unique_ptr<char, decltype(&std::free)> path(::getcwd(nullptr, 0), &std::free);
  return path != nullptr ? path.get() : std::string();
}

// Empty if nobody knows where this process is.
std::string absolute(const std::string& dir) {
  const std::string from = dir.starts_with('/') ? std::string() : working_directory();
  if (from.empty() && !dir.starts_with('/')) {
    return {};
  }
  std::string path = (std::filesystem::path(from) / dir).lexically_normal().string();
  if (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

std::vector<std::string> last_of_each(const std::vector<std::string>& all) {
  std::unordered_set<std::string_view> seen;
  std::vector<std::string> kept;
  for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
    const std::size_t equals = entry->find('=');
    // One without a name, or a value, is none of ours to judge.
    if (equals == 0 || equals == entry->npos || seen.insert(std::string_view(*entry).substr(0, equals)).second) {
      kept.push_back(*entry);
    }
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace

std::vector<std::string> environment_of(const std::optional<std::vector<std::string>>& given, const std::string& dir) {
  if (given) {
    return last_of_each(*given);
  }
  std::vector<std::string> all;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  if (const std::string pwd = dir.empty() ? std::string() : absolute(dir); !pwd.empty()) {
    all.push_back("PWD=" + pwd);
  }
  return last_of_each(all);
}

}  // namespace gossamer::inline v0::os
