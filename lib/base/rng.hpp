// rng: a small fast generator for scheduling choices; never for secrets.
// Source: SplitMix64 (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>

namespace gossamer::inline v0::base {

class rng {
 public:
  constexpr rng() noexcept = default;
  constexpr explicit rng(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Uniform in [0, n), n > 0; the bias is below n / 2^32.
  constexpr std::uint32_t below(std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace gossamer::inline v0::base
