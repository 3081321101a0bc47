// select_cases: select over a range. See gossamer/select.hpp.
#include <cstddef>
#include <memory>

#include "gossamer/select.hpp"

namespace gossamer::inline v0::detail {

selected select_cases(select_case* cases, std::size_t n, std::source_location where) {
  const auto ops = std::make_unique<select_op[]>(n);
  const auto index = std::make_unique<std::size_t[]>(n);  // of the op's case
  std::size_t real = 0;
  std::size_t default_index = n;
  for (std::size_t i = 0; i < n; ++i) {
    select_case::base* const c = cases[i].it_.get();
    if (c != nullptr && c->is_default()) {
      default_index = default_index == n ? i : default_index;
      continue;
    }
    ops[real] = c != nullptr ? c->prepare() : select_op();
    index[real++] = i;
  }
  const std::size_t found = chan_select({ops.get(), real, default_index == n, where});
  const std::size_t chosen = found == real ? default_index : index[found];
  const bool ok = found != real && ops[found].ok;
  cases[chosen].it_->finish(ok);
  return {static_cast<int>(chosen), ok};
}

}  // namespace gossamer::inline v0::detail
