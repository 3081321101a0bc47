// stable_order: sorts, and what is equal keeps its order.
//
// Not by std::stable_sort: that of libstdc++ 12 uses what it has deprecated itself, of which clang warns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <ranges>
#include <utility>
#include <vector>

namespace gossamer::inline v0::http {

// As std::ranges::stable_sort().
template <std::ranges::random_access_range R, class Projection = std::identity, class Less = std::ranges::less>
void sort_in_order(R&& range, Projection key = {}, Less less = {}) {
  struct numbered {
    std::ranges::range_value_t<R> value;
    std::size_t number;
  };
  std::vector<numbered> all;
  all.reserve(std::ranges::size(range));
  for (auto& value : range) {
    all.push_back({std::move(value), all.size()});
  }
  std::ranges::sort(all, [&](const numbered& a, const numbered& b) {
    const auto& x = std::invoke(key, a.value);
    const auto& y = std::invoke(key, b.value);
    return less(x, y) || (!less(y, x) && a.number < b.number);
  });
  std::ranges::transform(all, std::ranges::begin(range), [](numbered& n) { return std::move(n.value); });
}

}  // namespace gossamer::inline v0::http
