// http: servers and clients. Not in gossamer.hpp; programs link gossamer-http.
// Source: Go's package net/http. Differs: see each part.
#pragma once

#include "http/client.hpp"           // IWYU pragma: export
#include "http/client_trace.hpp"     // IWYU pragma: export
#include "http/cookie.hpp"           // IWYU pragma: export
#include "http/cookie_jar.hpp"       // IWYU pragma: export
#include "http/date.hpp"             // IWYU pragma: export
#include "http/file_server.hpp"      // IWYU pragma: export
#include "http/file_system.hpp"      // IWYU pragma: export
#include "http/handler.hpp"          // IWYU pragma: export
#include "http/header.hpp"           // IWYU pragma: export
#include "http/max_bytes.hpp"        // IWYU pragma: export
#include "http/media_type.hpp"       // IWYU pragma: export
#include "http/multipart.hpp"        // IWYU pragma: export
#include "http/pprof.hpp"            // IWYU pragma: export
#include "http/request.hpp"          // IWYU pragma: export
#include "http/respond.hpp"          // IWYU pragma: export
#include "http/response.hpp"         // IWYU pragma: export
#include "http/response_writer.hpp"  // IWYU pragma: export
#include "http/reverse_proxy.hpp"    // IWYU pragma: export
#include "http/round_tripper.hpp"    // IWYU pragma: export
#include "http/serve_mux.hpp"        // IWYU pragma: export
#include "http/server.hpp"           // IWYU pragma: export
#include "http/sniff.hpp"            // IWYU pragma: export
#include "http/status.hpp"           // IWYU pragma: export
#include "http/timeout_handler.hpp"  // IWYU pragma: export
#include "http/transport.hpp"        // IWYU pragma: export
#include "http/url.hpp"              // IWYU pragma: export
#include "http/values.hpp"           // IWYU pragma: export
