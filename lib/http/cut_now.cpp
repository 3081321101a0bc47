#include "http/cut_now.hpp"

#include "gossamer/tls/conn.hpp"

namespace gossamer::inline v0::http {

// Closing TLS says so first, for which it may have to wait.
void cut_now(const net::conn& c) {
  net::conn below = c;
  while (tls::is_tls(below)) {
    below = tls::net_conn(below);
  }
  static_cast<void>(below.close());
}

}  // namespace gossamer::inline v0::http
