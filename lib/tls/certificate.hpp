// certificate: what the handles of gossamer/tls/certificate.hpp refer to.
#pragma once

#include <mutex>
#include <string_view>
#include <vector>

#include "gossamer/tls/certificate.hpp"
#include "tls/openssl.hpp"

namespace gossamer::inline v0::tls {

struct certificate_data {
  x509_ptr own;
  std::vector<x509_ptr> between;
  key_ptr key;
};

struct cert_pool_data {
  // Never held across a park.
  std::mutex guard;
  // Guarded by guard. Made when it is first needed, and then shared by all that use the pool.
  std::vector<x509_ptr> all;
  store_ptr store;

  // A handle of the store; null where there is no memory.
  store_ptr share();
};

}  // namespace gossamer::inline v0::tls
