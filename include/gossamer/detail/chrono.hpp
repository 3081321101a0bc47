// chrono: std::chrono's durations, time points, clocks and literals, and not its calendar.
// libstdc++'s <chrono> also brings its streams, and from version 13 on its formats; <shared_mutex>, whose timed locks
// take durations and time points, brings the rest alone.
#pragma once

#include <version>

#if defined(__GLIBCXX__)
#include <shared_mutex>  // IWYU pragma: export
#else
#include <chrono>  // IWYU pragma: export
#endif
