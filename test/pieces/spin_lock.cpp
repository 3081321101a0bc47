// spin_lock, held_lock and guard_bit: one holder at a time, who sees all that the last one did; and the release is the
// last access.
#include "piece.hpp"  // first: it perturbs the piece

#include "gossamer/detail/spin_lock.hpp"

#include <memory>
#include <mutex>
#include <vector>

#include "wait/guard_bit.hpp"

namespace {

using gossamer::detail::held_lock;
using gossamer::detail::lock_word;
using gossamer::detail::spin_lock;

constexpr int rounds = 30'000 * piece::scale;

}  // namespace

TEST_CASE("spin_lock: one holder at a time, by lock, by try_lock, and with the release by the value held()") {
  for (const int threads : {1, 2, 8}) {
    spin_lock guard;
    long count = 0;  // guarded by guard
    long inside = 0;
    long overlaps = 0;
    piece::in_threads(threads, static_cast<std::uint64_t>(threads), [&](int) {
      for (int i = 0; i < rounds; ++i) {
        switch (piece::delays.below(3)) {
          case 0: {
            const std::scoped_lock hold(guard);
            overlaps += inside++ != 0 ? 1 : 0;
            ++count;
            piece::delay();
            --inside;
            break;
          }
          case 1:
            while (!guard.try_lock()) {
              ::sched_yield();
            }
            overlaps += inside++ != 0 ? 1 : 0;
            ++count;
            --inside;
            guard.unlock();
            break;
          default: {
            guard.lock();
            const held_lock held = guard.held();
            overlaps += inside++ != 0 ? 1 : 0;
            ++count;
            piece::delay();
            --inside;
            held.release();
            break;
          }
        }
      }
    });
    CHECK(count == static_cast<long>(threads) * rounds);
    CHECK(overlaps == 0);
    CHECK_FALSE(guard.is_locked());
  }
}

TEST_CASE("spin_lock: try_lock fails exactly while somebody holds it") {
  spin_lock guard;
  CHECK(guard.try_lock());
  CHECK(guard.is_locked());
  CHECK_FALSE(guard.try_lock());
  guard.unlock();
  CHECK(guard.try_lock());
  guard.unlock();
}

TEST_CASE("spin_lock: whoever locks next may destroy the object") {
  struct object {
    spin_lock guard;
    int users = 2;  // guarded by guard
  };
  constexpr int objects = 20'000 * piece::scale;
  std::vector<object*> all(objects);
  for (object*& o : all) {
    o = new object;
  }
  std::atomic<int> destroyed{0};
  piece::in_threads(2, 5, [&](int) {
    for (object* o : all) {
      o->guard.lock();
      const bool last = --o->users == 0;
      o->guard.unlock();
      if (last) {
        delete o;
        destroyed.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  CHECK(destroyed == objects);
}

TEST_CASE("guard_bit: one holder at a time; the release stores the word's next value, which others see whole") {
  constexpr std::uint64_t guarded = 1;
  for (const int threads : {1, 2, 8}) {
    lock_word word{0};
    std::uint64_t shadow = 0;  // guarded by the bit: what the word counts
    std::atomic<long> wrong{0};
    piece::in_threads(threads, static_cast<std::uint64_t>(threads), [&](int) {
      for (int i = 0; i < rounds; ++i) {
        if (piece::delays.below(4) == 0) {
          // relaxed: only counts.
          wrong.fetch_add((gossamer::wait::load_unguarded(word, guarded) & guarded) != 0 ? 1 : 0,
                          std::memory_order_relaxed);
        }
        const std::uint64_t w = gossamer::wait::set_guard(word, guarded);
        const bool right = (w & guarded) == 0 && w == shadow && (word.load(std::memory_order_relaxed) & guarded) != 0;
        wrong.fetch_add(right ? 0 : 1, std::memory_order_relaxed);
        shadow = w + 2;
        piece::delay();
        held_lock{&word, w + 2}.release();
      }
    });
    CHECK(word == 2 * static_cast<std::uint64_t>(threads) * rounds);
    CHECK(wrong == 0);
  }
}
