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
  std::size_t at;  // in the ids
};

std::vector<candidate> records_of(std::span<const std::uint64_t> ids) {
  std::vector<candidate> all;
  records.for_each([&](fiber& f) {
    const std::uint64_t id = f.id.load(std::memory_order_acquire);  // acquire: pairs with the spawner's release
    const auto found = std::lower_bound(ids.begin(), ids.end(), id);
    if (id != 0 && found != ids.end() && *found == id) {
      all.push_back({&f, static_cast<std::size_t>(found - ids.begin())});
    }
  });
  return all;
}

}  // namespace

void visit_held(std::span<const std::uint64_t> ids, const std::function<void(fiber&, std::size_t)>& visit) {
  const std::vector<candidate> candidates = records_of(ids);
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
      const bool is_held = inspecting.hold(f, ids[candidates[i].at]);
      const hold until_here{inspecting, f};
      if (is_held) {
        visit(f, candidates[i].at);
      }
    }
  }
}

std::vector<std::uint64_t> endless_waits(std::span<const debug::fiber_info* const> blocked) {
  std::vector<const debug::fiber_info*> by_id(blocked.begin(), blocked.end());
  std::sort(by_id.begin(), by_id.end(),
            [](const debug::fiber_info* a, const debug::fiber_info* b) { return a->id < b->id; });
  std::vector<std::uint64_t> ids;
  for (const debug::fiber_info* info : by_id) {
    ids.push_back(info->id);
  }
  std::vector<std::uint64_t> all;
  visit_held(ids, [&](fiber& f, std::size_t i) {
    if (waits_endlessly(f, *by_id[i])) {
      all.push_back(ids[i]);
    }
  });
  return all;
}

}  // namespace gossamer::inline v0::leak
