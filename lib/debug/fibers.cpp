// fibers: snapshots as values. See gossamer/debug.hpp.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "debug/snapshot.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::debug {

std::chrono::nanoseconds waited_until(std::chrono::steady_clock::time_point at, const fiber_info& info) noexcept {
  if (info.state != runtime::status::waiting) {
    return std::chrono::nanoseconds(0);
  }
  // Its start is its worker's idea of the time, which may be ahead of nobody's.
  return std::max(std::chrono::nanoseconds(at - info.wait_start), std::chrono::nanoseconds(0));
}

std::chrono::nanoseconds fiber_info::waited() const { return waited_until(std::chrono::steady_clock::now(), *this); }

std::vector<fiber_info> fibers(const filter& which) {
  std::vector<fiber_info> all;
  if (in_signal_handler()) {
    return all;
  }
  snapshot s(which, true);
  s.for_each([&](fiber_info& info) { all.push_back(std::move(info)); });
  std::sort(all.begin(), all.end(), [](const fiber_info& a, const fiber_info& b) { return a.id < b.id; });
  return all;
}

std::vector<source_line> lines_of(const void* return_address) {
  std::vector<source_line> all;
  for (machine::source_line& l : machine::lines_of(return_address)) {
    all.push_back({std::move(l.function), std::move(l.file), l.line, l.offset});
  }
  return all;
}

}  // namespace gossamer::inline v0::debug
