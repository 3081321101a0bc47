// system_roots: see system_roots.hpp, and system_cert_pool().
// Source: Go's x509 root_unix.go. Differs: one file; directories are not read, whose certificates the systems that have
// them have in a file as well.
#include "tls/system_roots.hpp"

#include <cstdlib>
#include <string>

#include "gossamer/errors.hpp"
#include "gossamer/os/file.hpp"
#include "gossamer/sync/mutex.hpp"

namespace gossamer::inline v0::tls {

namespace {

constexpr const char* files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL
    "/etc/ssl/cert.pem",                                  // Alpine
};

struct roots {
  sync::mutex guard;
  // Guarded by guard.
  bool read = false;
  std::shared_ptr<cert_pool_data> pool;
  error err;
};

// Never destroyed: connections may outlive static objects.
roots& known() {
  static roots* const r = new roots;
  return *r;
}

void read_into(roots& r) {
  const char* const chosen = std::getenv("SSL_CERT_FILE");
  const cert_pool pool = new_cert_pool();
  error first;
  auto try_file = [&](const char* name) {
    auto [pem, err] = os::read_file(name);
    first = first || errors::is(err, os::not_exist) ? first : err;
    return !err && pool.append_certs_from_pem(pem);
  };
  bool found = false;
  if (chosen != nullptr && *chosen != '\0') {
    found = try_file(chosen);
  } else {
    for (const char* name : files) {
      found = found || try_file(name);
    }
  }
  r.pool = found ? pool.data() : nullptr;
  constexpr std::string_view text = "x509: failed to load system roots and no roots provided";
  r.err = found ? error() : first ? errors::make(text, "; ", first.text()) : errors::make(text);
  r.read = true;
}

}  // namespace

std::pair<std::shared_ptr<cert_pool_data>, error> system_roots() {
  roots& r = known();
  const detail::held hold(r.guard);
  if (!r.read) {
    read_into(r);
  }
  return {r.pool, r.err};
}

std::pair<cert_pool, error> system_cert_pool() {
  auto [all, err] = system_roots();
  if (err) {
    return {cert_pool(), err};
  }
  cert_pool copy = new_cert_pool();
  const std::scoped_lock hold(all->guard);
  for (const x509_ptr& c : all->all) {
    X509_up_ref(c.get());
    copy.data()->all.emplace_back(c.get());
  }
  return {copy, nullptr};
}

}  // namespace gossamer::inline v0::tls
