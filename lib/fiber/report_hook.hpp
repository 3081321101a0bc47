// report_hook: what lib/debug does for reports and signals. Defined there, by strong symbols of the same library, so
// that a static archive cannot drop them.
#pragma once

#include <cstdint>

#include "base/knob.hpp"
#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::hook {

// A fatal report has named what it is about, the fiber `but` (0: none): prints the others to stderr, with their stacks,
// main first.
void print_fibers(std::uint64_t but) noexcept;

// On the monitor's thread, after a signal whose handler has called monitor::call_for_signal().
void signal_has_come() noexcept;

// Once, when the runtime starts: what the environment asks for.
void watch_for_signals(const base::knob& asked) noexcept;

// In main's fiber, at its end, where the environment asks for it: prints who is left, if somebody is for a second.
void report_leaks() noexcept;

}  // namespace gossamer::inline v0::hook
