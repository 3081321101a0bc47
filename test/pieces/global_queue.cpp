// global_queue: first in first out, each fiber to one taker, with all that was written before its push. Only the header
// is used: a fiber record is plain memory here.
#include "piece.hpp"  // first: it perturbs the piece

#include "sched/global_queue.hpp"

#include <array>
#include <memory>

namespace {

using gossamer::detail::fiber;
using gossamer::sched::global_queue;

}  // namespace

TEST_CASE("global_queue: first in first out, alone and in batches, and it counts") {
  const auto records = std::make_unique<fiber[]>(5);
  std::array<fiber*, 5> all;
  for (std::size_t i = 0; i < 5; ++i) {
    all[i] = &records[i];
  }
  global_queue q;
  std::array<fiber*, 5> out{};
  CHECK(q.empty());
  CHECK(q.pop(out.data(), 5) == 0);
  q.push(all[0]);
  q.push(all.data() + 1, 3);
  q.push(all[4]);
  CHECK(q.size() == 5);
  CHECK(q.pop(out.data(), 2) == 2);
  CHECK(out[0] == all[0]);
  CHECK(out[1] == all[1]);
  CHECK(q.pop(out.data(), 5) == 3);
  CHECK(out[0] == all[2]);
  CHECK(out[2] == all[4]);
  CHECK(q.empty());
  CHECK(q.pushed() == 5);
  CHECK(q.popped() == 5);
}

TEST_CASE("global_queue: pushers and takers pass each fiber on once, in each pusher's order") {
  constexpr std::size_t each = 40'000 * piece::scale;
  for (const std::size_t pushers : {1U, 2U}) {
    for (const std::size_t takers : {1U, 3U}) {
      const auto records = std::make_unique<fiber[]>(pushers * each);
      global_queue q;
      std::atomic<std::size_t> taken{0};
      std::atomic<long> wrong{0};
      const piece::time_limit limit(60);
      piece::in_threads(static_cast<int>(pushers + takers), 7 * pushers + takers, [&](int thread) {
        const auto me = static_cast<std::size_t>(thread);
        if (me < pushers) {
          std::array<fiber*, 3> batch{};
          for (std::size_t i = 0; i < each;) {
            const std::size_t n = std::min<std::size_t>(piece::delays.below(3) + 1, each - i);
            for (std::size_t k = 0; k < n; ++k, ++i) {
              batch[k] = &records[me * each + i];
              batch[k]->parent = i + 1;  // plain fields
              batch[k]->wait_start = thread;
            }
            q.push(batch.data(), n);
            piece::delay();
          }
          return;
        }
        std::array<std::uint64_t, 2> last{};
        std::array<fiber*, 4> out{};
        while (taken.load(std::memory_order_relaxed) < pushers * each && !limit.passed()) {
          const std::size_t n = q.pop(out.data(), piece::delays.below(4) + 1);
          for (std::size_t k = 0; k < n; ++k) {
            std::uint64_t& before = last[static_cast<std::size_t>(out[k]->wait_start)];
            const bool right = out[k]->parent > before && out[k]->last_worker == 0;
            wrong.fetch_add(right ? 0 : 1, std::memory_order_relaxed);
            before = out[k]->parent;
            out[k]->last_worker = 1;  // plain: it is ours alone
          }
          taken.fetch_add(n, std::memory_order_relaxed);
          if (n == 0) {
            ::sched_yield();
          }
        }
      });
      CHECK(taken == pushers * each);
      CHECK(wrong == 0);
      CHECK(q.empty());
    }
  }
}
