// sync: mutex, rw_mutex, wait_group, once (once_func, once_value, once_values), cond, pool and map.
// Source: Go's package sync. Differs: they work from plain threads too, and every blocking call has a form that takes a
// limit (limit.hpp): a time, a stop, or both.
#pragma once

#include "sync/cond.hpp"        // IWYU pragma: export
#include "sync/map.hpp"         // IWYU pragma: export
#include "sync/mutex.hpp"       // IWYU pragma: export
#include "sync/once.hpp"        // IWYU pragma: export
#include "sync/pool.hpp"        // IWYU pragma: export
#include "sync/rw_mutex.hpp"    // IWYU pragma: export
#include "sync/wait_group.hpp"  // IWYU pragma: export
