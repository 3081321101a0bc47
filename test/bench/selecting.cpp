// Select: one case of four ready, none ready, and a look that never blocks.
#include <gossamer/gossamer.hpp>

#include <array>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

std::array<chan<int>, 4> four_channels(int capacity) {
  return {make_chan<int>(capacity), make_chan<int>(capacity), make_chan<int>(capacity), make_chan<int>(capacity)};
}

figure select_ready(long rounds) {
  const auto [a, b, c, d] = four_channels(1);
  const std::array all{a, b, c, d};
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    all[static_cast<std::size_t>(r & 3)] << static_cast<int>(r);
    select(recv(a), recv(b), recv(c), recv(d));
  }
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

figure select_block(long rounds) {
  const auto [a, b, c, d] = four_channels(0);
  for (const auto& ch : {a, b, c, d}) {
    go([ch, rounds] {
      for (long r = 0; r < rounds / 4; ++r) {
        ch << static_cast<int>(r);
      }
    });
  }
  const auto start = clock::now();
  for (long r = 0; r < rounds / 4 * 4; ++r) {
    select(recv(a), recv(b), recv(c), recv(d));
  }
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

figure select_nonblock(long rounds) {
  const auto ch = make_chan<int>();
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    select(recv(ch), otherwise);
  }
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

constexpr row rows[] = {
    {"select_ready", "ns/select", 3'000'000, 300'000, select_ready},
    {"select_block", "ns/select", 1'000'000, 100'000, select_block},
    {"select_nonblock", "ns/select", 20'000'000, 1'000'000, select_nonblock},
};

}  // namespace

std::span<const row> selecting_rows() { return rows; }

}  // namespace bench
