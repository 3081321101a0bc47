#include "gossamer/http/cookie_jar.hpp"

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include "gossamer/sync/mutex.hpp"
#include "http/client/jar_rules.hpp"

namespace gossamer::inline v0::http {

void cookie_jar::set_cookies(const http::url& u, std::span<const cookie> cookies) const {
  if (its_) {
    its_->set_cookies(u, cookies);
  }
}

std::vector<cookie> cookie_jar::cookies(const http::url& u) const {
  return its_ ? its_->cookies(u) : std::vector<cookie>();
}

namespace {

using clock = std::chrono::system_clock;

// What a later cookie has in common with the one whose place it takes.
struct cookie_id {
  std::string domain;
  std::string path;
  std::string name;
  auto operator<=>(const cookie_id&) const = default;
};

struct kept_cookie {
  std::string value;
  bool quoted = false;
  bool secure = false;
  bool host_only = false;
  // None: as long as the jar.
  std::optional<clock::time_point> until;
  // Of its first setting.
  std::uint64_t number = 0;
};

using site = std::map<cookie_id, kept_cookie>;

// None: it has ended already.
std::optional<std::optional<clock::time_point>> end_of(const cookie& c, clock::time_point now) {
  // Far beyond what the clock can count from now on is for ever.
  constexpr std::int64_t most_seconds = std::int64_t{100} * 365 * 24 * 3600;
  if (c.max_age < 0 || (c.max_age == 0 && c.expires && std::chrono::floor<std::chrono::seconds>(now) >= *c.expires)) {
    return {};
  }
  if (c.max_age > 0) {
    return now + std::chrono::seconds(std::min(c.max_age, most_seconds));
  }
  if (!c.expires) {
    return std::optional<clock::time_point>();
  }
  const auto left = *c.expires - std::chrono::floor<std::chrono::seconds>(now);
  return std::chrono::floor<std::chrono::seconds>(now) + std::min(left, std::chrono::seconds(most_seconds));
}

class memory_jar final : public cookie_jar_interface {
 public:
  explicit memory_jar(cookiejar::options how) : how_(std::move(how)) {}

  void set_cookies(const http::url& u, std::span<const cookie> cookies) override {
    const std::optional<std::string> host = host_of(u);
    if (!host) {
      return;
    }
    const clock::time_point now = clock::now();
    const std::string_view key = site_of(*host, how_.public_suffix_list);
    const std::string_view folder = default_cookie_path(u.path);
    for (const cookie& c : cookies) {
      if (std::optional<cookie_scope> scope = scope_of(*host, c.domain, how_.public_suffix_list)) {
        cookie_id id{std::move(scope->domain), c.path.starts_with('/') ? c.path : std::string(folder), c.name};
        keep(key, std::move(id), scope->host_only, c, now);
      }
    }
  }

  std::vector<cookie> cookies(const http::url& u) override {
    const std::optional<std::string> host = host_of(u);
    if (!host) {
      return {};
    }
    const std::string_view key = site_of(*host, how_.public_suffix_list);
    std::vector<found> all;
    {
      const std::lock_guard hold(lock_);
      const auto at = sites_.find(key);
      if (at == sites_.end()) {
        return {};
      }
      all = choose(at->second, u, *host);
      if (at->second.empty()) {
        sites_.erase(at);
      }
    }
    // The longest path first, then the oldest.
    std::ranges::sort(all, [](const found& a, const found& b) {
      return std::tuple(b.path_size, a.number) < std::tuple(a.path_size, b.number);
    });
    std::vector<cookie> list;
    for (found& f : all) {
      list.push_back(std::move(f.sent));
    }
    return list;
  }

 private:
  struct found {
    std::size_t path_size;
    std::uint64_t number;
    cookie sent;
  };

  static std::optional<std::string> host_of(const http::url& u) {
    return u.scheme == "http" || u.scheme == "https" ? canonical_host(u.host) : std::nullopt;
  }

  void keep(std::string_view key, cookie_id id, bool host_only, const cookie& c, clock::time_point now) {
    const auto end = end_of(c, now);
    const std::lock_guard hold(lock_);
    auto at = sites_.find(key);
    if (!end) {
      if (at != sites_.end() && at->second.erase(id) > 0 && at->second.empty()) {
        sites_.erase(at);
      }
      return;
    }
    if (at == sites_.end()) {
      at = sites_.emplace(key, site()).first;
    }
    const auto [place, is_new] = at->second.try_emplace(std::move(id));
    const std::uint64_t number = is_new ? next_number_++ : place->second.number;
    place->second = {c.value, c.quoted, c.secure, host_only, *end, number};
  }

  // Under the lock. Those whose time is over go.
  static std::vector<found> choose(site& of, const http::url& u, std::string_view host) {
    const clock::time_point now = clock::now();
    const std::string_view path = u.path.empty() ? "/" : std::string_view(u.path);
    std::erase_if(of, [now](const auto& one) { return one.second.until && *one.second.until <= now; });
    std::vector<found> all;
    for (const auto& [id, kept] : of) {
      if (scope_has(id.domain, kept.host_only, host) && path_has(id.path, path) &&
          (!kept.secure || u.scheme == "https" || is_local_domain(id.domain))) {
        cookie sent;
        sent.name = id.name;
        sent.value = kept.value;
        sent.quoted = kept.quoted;
        all.push_back({id.path.size(), kept.number, std::move(sent)});
      }
    }
    return all;
  }

  const cookiejar::options how_;
  sync::mutex lock_;
  // Under the lock. By site_of() the host; none is empty.
  std::map<std::string, site, std::less<>> sites_;
  std::uint64_t next_number_ = 0;
};

}  // namespace

namespace cookiejar {

cookie_jar new_jar(options how) { return cookie_jar(new memory_jar(std::move(how))); }

}  // namespace cookiejar

}  // namespace gossamer::inline v0::http
