// gossamer: what C++ needs to have Go's fibers, channels, contexts and synchronisation. This header brings all of it.
#pragma once

#include "callers.hpp"       // IWYU pragma: export
#include "chan.hpp"          // IWYU pragma: export
#include "context.hpp"       // IWYU pragma: export
#include "defer.hpp"         // IWYU pragma: export
#include "errgroup.hpp"      // IWYU pragma: export
#include "error.hpp"         // IWYU pragma: export
#include "errors.hpp"        // IWYU pragma: export
#include "fiber_local.hpp"   // IWYU pragma: export
#include "fwd.hpp"           // IWYU pragma: export
#include "go.hpp"            // IWYU pragma: export
#include "limit.hpp"         // IWYU pragma: export
#include "nil.hpp"           // IWYU pragma: export
#include "os.hpp"            // IWYU pragma: export
#include "panic.hpp"         // IWYU pragma: export
#include "rate.hpp"          // IWYU pragma: export
#include "runtime.hpp"       // IWYU pragma: export
#include "select.hpp"        // IWYU pragma: export
#include "semaphore.hpp"     // IWYU pragma: export
#include "signal.hpp"        // IWYU pragma: export
#include "singleflight.hpp"  // IWYU pragma: export
#include "sync.hpp"          // IWYU pragma: export
#include "time.hpp"          // IWYU pragma: export
