// file_server: see gossamer/http/file_server.hpp.
#include "gossamer/http/file_server.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "gossamer/defer.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/url.hpp"
#include "http/cut.hpp"
#include "http/paths.hpp"
#include "http/serving.hpp"

namespace gossamer::inline v0::http {

namespace {

// What the kernel says of names that no file can have, or not such as are served.
constexpr std::array no_such_file{std::errc::not_a_directory, std::errc::filename_too_long,
                                  std::errc::too_many_symbolic_link_levels, std::errc::no_such_device_or_address,
                                  std::errc::invalid_argument};

// Without the reason, which is nobody's business.
void serve_error(response_writer& w, const gossamer::error& err) {
  const bool none = errors::is(err, os::not_exist) || errors::is(err, os::path_escapes) ||
                    std::ranges::any_of(no_such_file, [&err](std::errc code) { return errors::is(err, code); });
  if (none) {
    serve_failure(w, "404 page not found", status_not_found);
  } else if (errors::is(err, os::permission)) {
    serve_failure(w, "403 Forbidden", status_forbidden);
  } else {
    serve_failure(w, "500 Internal Server Error", status_internal_server_error);
  }
}

// The last element; `/` of slashes, `.` of nothing. Source: Go's path.Base.
std::string_view base_of(std::string_view path) noexcept {
  if (path.empty()) {
    return ".";
  }
  const std::size_t end = path.find_last_not_of('/');
  if (end == path.npos) {
    return "/";
  }
  path = path.substr(0, end + 1);
  return path.substr(path.rfind('/') + 1);
}

// As an element of a reference: `a%3Fb`, and `./a:b`.
std::string encoded(std::string_view name) {
  url u;
  u.path = name;
  return u.text();
}

// 301, relative to where the client believes to be: what stands before the handler may have taken a prefix away.
void redirect_here(response_writer& w, request& r, std::string to) {
  // Which slashes of the path were written as such is not known.
  const std::string path = r.url.escaped_path();
  if (path.find("%2f") != path.npos || path.find("%2F") != path.npos) {
    not_found(w, r);
    return;
  }
  if (!r.url.raw_query.empty()) {
    (to += '?') += r.url.raw_query;
  }
  w.header().set("Location", to);
  w.write_header(status_moved_permanently);
}

bool is_special(const os::file_info& info) noexcept {
  const unsigned kind = info.mode & S_IFMT;
  return kind == S_IFIFO || kind == S_IFCHR || kind == S_IFBLK || kind == S_IFSOCK;
}

struct found {
  file content;
  os::file_info info;
};

gossamer::error find(const file_system& from, std::string_view name, found& to) {
  auto [f, err] = from.open(name);
  if (err) {
    return err;
  }
  auto [info, stat_err] = f.stat();
  if (stat_err || is_special(info)) {
    f.close();
    return stat_err ? stat_err : gossamer::error(os::not_exist);
  }
  to = {std::move(f), std::move(info)};
  return nullptr;
}

// The path by which a file or a directory should be asked for; nothing if it is that one.
std::optional<std::string> canonical(std::string_view path, bool is_dir) {
  const bool slash = path.ends_with('/');
  if (is_dir == slash) {
    return std::nullopt;
  }
  const std::string name = encoded(base_of(path));
  return is_dir ? name + "/" : "../" + name;
}

void serve_directory(response_writer& w, request& r, const found& it) {
  const modified when = modified_at(it.info.mod_time);
  if (if_modified_since(r, when) == condition::fails) {
    answer_not_modified(w);
    return;
  }
  set_last_modified(w, when);
  serve_listing(w, r, it.content);
}

void serve_whole(response_writer& w, request& r, const found& it) {
  serve_sized(w, r, it.info.name, modified_at(it.info.mod_time), it.content, [&it] { return it.info.size; });
}

// `path`: of the request, with a slash at its front in a file server. `by_path`: the name comes from it.
void serve_named(response_writer& w, request& r, const file_system& from, std::string_view name, std::string_view path,
                 bool by_path) {
  constexpr std::string_view index = "/index.html";
  if (path.ends_with(index)) {
    redirect_here(w, r, "./");
    return;
  }
  found it;
  if (const auto err = find(from, name, it)) {
    serve_error(w, err);
    return;
  }
  defer close_it([&it] { it.content.close(); });
  if (by_path || it.info.is_dir()) {
    if (auto to = canonical(path, it.info.is_dir())) {
      if (!it.info.is_dir() && clean_path(path) == "/") {
        serve_failure(w, "http: attempting to traverse a non-directory", status_internal_server_error);
        return;
      }
      redirect_here(w, r, std::move(*to));
      return;
    }
  }
  if (!it.info.is_dir()) {
    serve_whole(w, r, it);
    return;
  }
  found page;
  if (find(from, name == "." ? std::string(index.substr(1)) : std::string(name).append(index), page)) {
    serve_directory(w, r, it);
    return;
  }
  defer close_page([&page] { page.content.close(); });
  page.info.is_dir() ? serve_directory(w, r, page) : serve_whole(w, r, page);
}

bool has_dot_dot(std::string_view path) noexcept {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find_first_of("/\\"), path.size());
    if (path.substr(0, end) == "..") {
      return true;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

// False if it has been answered.
bool may_be_path(response_writer& w, const request& r) {
  if (has_dot_dot(r.url.path)) {
    serve_failure(w, "invalid URL path", status_bad_request);
    return false;
  }
  return true;
}

// What lies at a path, wherever its links lead.
class any_path {
 public:
  explicit any_path(std::string_view directory) : directory_(directory) {}
  std::pair<os::file, gossamer::error> open(std::string_view name) const {
    return os::open_file(directory_ + std::string(name), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  }

 private:
  std::string directory_;  // with a slash, or empty
};

// `/a/b/` as `a/b`: a name of a file system.
std::string name_of(std::string_view path) {
  const std::string clean = clean_path("/" + std::string(path)).substr(1);
  return clean.empty() ? "." : clean;
}

}  // namespace

void serve_file(response_writer& w, request& r, std::string_view path) {
  if (may_be_path(w, r)) {
    const std::size_t slash = path.rfind('/') + 1;  // of npos: 0
    serve_named(w, r, any_path(path.substr(0, slash)), name_of(path.substr(slash)), r.url.path, false);
  }
}

void serve_file(response_writer& w, request& r, const file_system& from, std::string_view name) {
  if (may_be_path(w, r)) {
    serve_named(w, r, from, name, r.url.path, false);
  }
}

handler file_server(file_system root) {
  return [root = std::move(root)](response_writer& w, request& r) {
    const std::string path = r.url.path.starts_with('/') ? r.url.path : "/" + r.url.path;
    serve_named(w, r, root, name_of(path), path, true);
  };
}

}  // namespace gossamer::inline v0::http
