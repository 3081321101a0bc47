// readers: see gossamer/detail/readers.hpp.
//
// A grace period has a number. It begins with a barrier on all threads, and looks at each place: one that is not in a
// section then has left all that were open before; one that is in a section has, once its turn has changed. Whoever
// enters later finds nothing that was taken away before the barrier. Plain threads count themselves in one of two
// counters of a stripe; each counter must have been zero once during the period, and so that this comes about new ones
// are sent to the other.
#include "gossamer/detail/readers.hpp"

#include "base/fatal.hpp"
#include "gossamer/detail/spin_lock.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::detail {

constinit std::array<reader_place, reader_places> places_of_readers{};

namespace {

struct alignas(64) stripe {
  std::array<std::atomic<std::uint32_t>, 2> inside{};
};
constexpr std::size_t stripes = 16;
constinit std::array<stripe, stripes> counts{};
constinit std::atomic<unsigned> side{0};  // where those who enter count themselves

class grace {
 public:
  constexpr grace() noexcept = default;

  std::uint64_t draw() noexcept {
    guard_.lock();
    const std::uint64_t ticket = over_.load(std::memory_order_relaxed) + (running_ ? 2 : 1);
    guard_.unlock();
    return ticket;
  }

  bool is_over(std::uint64_t ticket) noexcept {
    // acquire: pairs with the release in look(); the readers' leaving, which that saw.
    if (over_.load(std::memory_order_acquire) >= ticket) {
      return true;
    }
    if (!guard_.try_lock()) {
      return false;
    }
    // At most the one that runs and the one of the ticket.
    for (int i = 0; i < 2 && over_.load(std::memory_order_relaxed) < ticket; ++i) {
      if (!running_) {
        begin();
      }
      if (!look()) {
        break;
      }
    }
    const bool over = over_.load(std::memory_order_relaxed) >= ticket;
    guard_.unlock();
    return over;
  }

 private:
  void begin() noexcept {
    heavy_barrier();
    running_ = true;
    in_section_ = 0;
    for (std::size_t i = 0; i < reader_places; ++i) {
      // acquire: pairs with the release in turn().
      seen_[i] = places_of_readers[i].turn.load(std::memory_order_acquire);
      in_section_ += seen_[i] % 2;
    }
    for (auto& pair : counted_) {
      pair = {true, true};
    }
  }

  // True if the period is over.
  bool look() noexcept {
    for (std::size_t i = 0; in_section_ > 0 && i < reader_places; ++i) {
      if (seen_[i] % 2 != 0 && places_of_readers[i].turn.load(std::memory_order_acquire) != seen_[i]) {
        seen_[i] = 0;
        --in_section_;
      }
    }
    std::array<bool, 2> left{};
    for (std::size_t i = 0; i < stripes; ++i) {
      for (unsigned s = 0; s < 2; ++s) {
        // acquire: pairs with the release of those who leave. seq_cst: who counts itself later looks later.
        counted_[i][s] = counted_[i][s] && counts[i].inside[s].load() != 0;
        left[s] = left[s] || counted_[i][s];
      }
    }
    const unsigned now = side.load(std::memory_order_relaxed);
    if (left[now]) {
      side.store(1 - now, std::memory_order_relaxed);  // relaxed: it only decides how soon the period ends
    }
    if (in_section_ > 0 || left[0] || left[1]) {
      return false;
    }
    running_ = false;
    // release: pairs with the acquire in is_over().
    over_.store(over_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
  }

  spin_lock guard_;
  // Written under guard_: so many periods are over.
  std::atomic<std::uint64_t> over_{0};
  // Guarded by guard_: the period that runs.
  bool running_ = false;
  std::size_t in_section_ = 0;  // places that have not left the section in which they were
  std::array<std::uint64_t, reader_places> seen_{};
  std::array<std::array<bool, 2>, stripes> counted_{};  // counters that have not been seen at zero
};

constinit grace the_grace;

}  // namespace

std::atomic<std::uint32_t>* enter_without_place() noexcept {
  auto& counter = counts[sched::random_below(stripes)].inside[side.load(std::memory_order_relaxed)];
  counter.fetch_add(1);  // seq_cst: before the looks of the section; see look()
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return &counter;
}

void fatal_reader_moved() noexcept {
  base::fatal("sync: a key's hash or comparison, or the copying of a value, has blocked in a call of a sync.map");
}

std::uint64_t draw_grace_ticket() noexcept { return the_grace.draw(); }
bool is_grace_over(std::uint64_t ticket) noexcept { return the_grace.is_over(ticket); }

}  // namespace gossamer::inline v0::detail
