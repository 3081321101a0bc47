// tls: encrypted connections over any others. Not in gossamer.hpp; programs link gossamer-http.
// Source: Go's package crypto/tls, and what it needs of crypto/x509. Differs: OpenSSL does the cryptography. Where the
// library was built without it every call fails with `tls: built without OpenSSL`.
//
//   auto [cert, err] = tls::load_x509_key_pair("cert.pem", "key.pem");
//   auto config = std::make_shared<tls::config>();
//   config->certificates = {cert};
//   auto [l, listen_err] = tls::listen("tcp", ":8443", config);
#pragma once

#include "tls/certificate.hpp"  // IWYU pragma: export
#include "tls/config.hpp"       // IWYU pragma: export
#include "tls/conn.hpp"         // IWYU pragma: export
#include "tls/error.hpp"        // IWYU pragma: export
#include "tls/state.hpp"        // IWYU pragma: export
