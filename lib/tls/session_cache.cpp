// session_cache: see session_cache.hpp.
#include "tls/session_cache.hpp"

#include <iterator>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace gossamer::inline v0::tls {

struct session_cache_data {
  struct entry {
    std::string place;
    session_ptr session;
  };

  const std::size_t capacity;
  // Never held across a park.
  std::mutex guard;
  // Guarded by guard. by_place has all of `entries`, the last used first.
  std::list<entry> entries;
  std::unordered_map<std::string, std::list<entry>::iterator> by_place;

  explicit session_cache_data(std::size_t most) : capacity(most) {}

  session_ptr take(const std::string& place) {
    const auto at = by_place.find(place);
    if (at == by_place.end()) {
      return nullptr;
    }
    session_ptr s = std::move(at->second->session);
    entries.erase(at->second);
    by_place.erase(at);
    return s;
  }

  // A copy of one that is kept: OpenSSL may change what a connection has.
  session_ptr use(const std::string& place) {
    const auto at = by_place.find(place);
    if (at == by_place.end()) {
      return nullptr;
    }
    const session_ptr& kept = at->second->session;
    if (SSL_SESSION_get_protocol_version(kept.get()) >= TLS1_3_VERSION) {
      return take(place);
    }
    entries.splice(entries.begin(), entries, at->second);
    return session_ptr(SSL_SESSION_dup(kept.get()));
  }
};

client_session_cache new_lru_client_session_cache(std::size_t capacity) {
  return client_session_cache(std::make_shared<session_cache_data>(capacity == 0 ? 64 : capacity));
}

void keep_session(const client_session_cache& to, const std::string& place, SSL_SESSION* s) {
  session_cache_data& d = *to.data();
  const std::scoped_lock hold(d.guard);
  static_cast<void>(d.take(place));
  d.entries.push_front({place, nullptr});
  try {
    d.by_place.emplace(place, d.entries.begin());
  } catch (...) {
    d.entries.pop_front();
    throw;
  }
  d.entries.front().session.reset(s);
  if (d.entries.size() > d.capacity) {
    d.by_place.erase(d.entries.back().place);
    d.entries.pop_back();
  }
}

session_ptr take_session(const client_session_cache& from, const std::string& place) {
  session_ptr s;
  {
    const std::scoped_lock hold(from.data()->guard);
    s = from.data()->use(place);
  }
  // Nor is it resumed when the certificate that was looked at then has expired.
  const X509* const shown = s ? SSL_SESSION_get0_peer(s.get()) : nullptr;
  return shown != nullptr && X509_cmp_time(X509_get0_notAfter(shown), nullptr) == 1 ? std::move(s) : nullptr;
}

void forget_session(const client_session_cache& in, const std::string& place) noexcept {
  const std::scoped_lock hold(in.data()->guard);
  static_cast<void>(in.data()->take(place));
}

}  // namespace gossamer::inline v0::tls
