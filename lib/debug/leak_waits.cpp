// leak_waits: see leak_waits.hpp.
#include "debug/leak_waits.hpp"

#include <algorithm>

#include "debug/snapshot.hpp"
#include "fiber/inspect.hpp"
#include "fiber/record_pool.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::leak {

namespace {

// Fibers until the next inspector, who holds up others that want to inspect.
constexpr std::size_t batch_size = 256;

// f is held.
bool waits_endlessly(fiber& f, const debug::fiber_info& info) noexcept {
  gossamer::detail::sanitizer_acquire(&f);
  return f.state.load(std::memory_order_relaxed) == fiber_state::parked && f.object == info.object.address &&
         f.ticket->uncontested;
}

struct candidate {
  fiber* record;
  const debug::fiber_info* info;
};

std::vector<candidate> records_of(std::span<const debug::fiber_info* const> blocked) {
  std::vector<const debug::fiber_info*> by_id(blocked.begin(), blocked.end());
  const auto is_less = [](const debug::fiber_info* a, const debug::fiber_info* b) { return a->id < b->id; };
  std::sort(by_id.begin(), by_id.end(), is_less);
  std::vector<candidate> all;
  records.for_each([&](fiber& f) {
    debug::fiber_info key;
    key.id = f.id.load(std::memory_order_acquire);  // acquire: pairs with the spawner's release
    const auto found = std::lower_bound(by_id.begin(), by_id.end(), &key, is_less);
    if (key.id != 0 && found != by_id.end() && (*found)->id == key.id) {
      all.push_back({&f, *found});
    }
  });
  return all;
}

}  // namespace

std::vector<std::uint64_t> endless_waits(std::span<const debug::fiber_info* const> blocked) {
  std::vector<std::uint64_t> all;
  const std::vector<candidate> candidates = records_of(blocked);
  for (std::size_t at = 0; at < candidates.size(); at += batch_size) {
    inspector inspecting;
    for (std::size_t i = at; i < std::min(at + batch_size, candidates.size()); ++i) {
      struct hold {
        inspector& by;
        fiber& f;
        ~hold() {
          if (by.release(f)) {
            sched::ready(&f);
          }
        }
      };
      fiber& f = *candidates[i].record;
      const bool is_held = inspecting.hold(f, candidates[i].info->id);
      const hold until_here{inspecting, f};
      if (is_held && waits_endlessly(f, *candidates[i].info)) {
        all.push_back(candidates[i].info->id);
      }
    }
  }
  return all;
}

}  // namespace gossamer::inline v0::leak
