// system_roots: whom the system trusts.
#pragma once

#include <memory>
#include <utility>

#include "gossamer/error.hpp"
#include "tls/certificate.hpp"

namespace gossamer::inline v0::tls {

// Read when it is first asked for, and kept; an error is kept as well. May park.
std::pair<std::shared_ptr<cert_pool_data>, error> system_roots();

}  // namespace gossamer::inline v0::tls
