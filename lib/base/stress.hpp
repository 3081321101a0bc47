// stress: places inside the wait protocol, the queues and the idle path where a stress build (GOSSAMER_STRESS) may hold
// a thread up for a moment, by a seeded choice, so that rare interleavings become common. Nothing in other builds.
#pragma once

#include <cstdint>

namespace gossamer::inline v0::base {

#if defined(GOSSAMER_STRESS) && GOSSAMER_STRESS
inline constexpr bool stress_build = true;
void seed_stress(std::uint64_t seed) noexcept;
void stress_point() noexcept;
#else
inline constexpr bool stress_build = false;
inline void seed_stress(std::uint64_t) noexcept {}
inline void stress_point() noexcept {}
#endif

}  // namespace gossamer::inline v0::base
