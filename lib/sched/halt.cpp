// halt: see halt.hpp.
#include "sched/halt.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "base/futex.hpp"
#include "base/stress.hpp"
#include "base/system_call.hpp"
#include "machine/walk.hpp"
#include "sched/sample.hpp"

namespace gossamer::inline v0::sched {

namespace {

constexpr std::size_t most_threads = 4096;

// An odd turn is a halt; what stands still in it waits for the next.
constinit base::futex_word turn{0};
// The turn, and below it how many threads have taken a place in it. Nobody takes one in a turn that is over.
constinit std::atomic<std::uint64_t> taken{0};
// How many of those have written theirs.
constinit base::futex_word written{0};
constinit std::array<halted, most_threads> places{};
// By who asks.
constinit std::array<pid_t, most_threads> asked{};
constinit std::size_t asked_count = 0;

std::uint32_t count_of(std::uint64_t t) noexcept { return static_cast<std::uint32_t>(t); }

bool stands(pid_t thread, std::uint32_t n) noexcept {
  const auto known = places.begin() + std::min<std::size_t>(n, places.size());
  return std::any_of(places.begin(), known, [&](const halted& h) { return h.thread == thread; });
}

// A number of a folder; 0: another entry.
pid_t number_of(const char* name) noexcept {
  pid_t n = 0;
  for (; *name >= '0' && *name <= '9'; ++name) {
    n = 10 * n + (*name - '0');
  }
  return *name == 0 ? n : 0;
}

// Calls visit(thread) for each entry of /proc/self/task. False where it cannot be read.
template <class Visit>
bool for_each_thread(Visit visit) noexcept {
  const int folder = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return false;
  }
  alignas(8) static char room[4096];  // one halt at a time; a fiber's stack may be small
  long bytes = 0;
  while ((bytes = ::syscall(SYS_getdents64, folder, room, sizeof room)) > 0) {
    // An entry: its inode and its offset (8 bytes each), its length (2), its type (1), its name.
    for (long at = 0; at < bytes;) {
      std::uint16_t length = 0;
      std::memcpy(&length, room + at + 16, sizeof length);
      if (const pid_t thread = number_of(room + at + 19); thread != 0) {
        visit(thread);
      }
      at += length;
    }
  }
  ::close(folder);
  return bytes == 0;
}

// Whether the thread would not get the signal.
bool blocks_signal(pid_t thread) noexcept {
  static char room[4096];  // as above; the last byte stays 0
  const std::string_view text = base::read_of_thread(thread, "status", {room, sizeof room - 1});
  constexpr std::string_view before_mask = "\nSigBlk:\t";
  const std::size_t at = text.find(before_mask);
  return at != text.npos &&
         (std::strtoull(text.data() + at + before_mask.size(), nullptr, 16) >> (sample_signal - 1) & 1) != 0;
}

}  // namespace

bool some_thread_blocks_halt() noexcept {
  const pid_t self = ::gettid();
  bool some = false;
  for_each_thread([&](pid_t thread) { some = some || (thread != self && blocks_signal(thread)); });
  return some;
}

// One look at the list. True if it shows nobody who did not stand still before: who creates threads runs, and so they
// are in the list, too, when the last of them has been seen to stand.
bool halt::ask_those_who_run() noexcept {
  const std::uint32_t n = written.load(std::memory_order_acquire);  // acquire: their places are seen
  const pid_t self = ::gettid();
  bool all = true;
  const bool read = for_each_thread([&](pid_t thread) {
    if (thread == self || stands(thread, n)) {
      return;
    }
    all = false;
    const auto end = asked.begin() + static_cast<std::ptrdiff_t>(asked_count);
    if (std::find(asked.begin(), end, thread) == end && asked_count < asked.size()) {
      asked[asked_count++] = thread;
      send_sample_signal(thread);
    }
  });
  return read && all;
}

halt::halt(std::chrono::nanoseconds patience) noexcept {
  if (!sample_signal_is_ours()) {
    return;
  }
  asked_count = 0;
  written.store(0, std::memory_order_relaxed);  // nobody writes a place of the turn before any more
  const std::uint32_t now = turn.load(std::memory_order_relaxed) + 1;
  taken.store(std::uint64_t{now} << 32, std::memory_order_relaxed);
  turn.store(now, std::memory_order_release);  // release: pairs with the acquire in halt_here()
  const detail::deadline until = detail::after(detail::now(), patience);
  for (;;) {
    const std::uint32_t before = written.load(std::memory_order_relaxed);
    if (ask_those_who_run()) {
      complete_ = true;
      return;
    }
    const detail::deadline at = detail::now();
    if (at >= until || asked_count == asked.size()) {
      return;
    }
    base::futex_wait(written, before, std::min(until, detail::after(at, std::chrono::milliseconds(1))));
  }
}

halt::~halt() {
  const std::uint32_t now = turn.load(std::memory_order_relaxed);
  if (now % 2 == 0) {
    return;  // nobody was asked
  }
  // acq_rel: nobody takes a place any more, and those who have one are waited for.
  const std::uint32_t n = count_of(taken.exchange(std::uint64_t{now + 1} << 32, std::memory_order_acq_rel));
  turn.store(now + 1, std::memory_order_release);
  base::futex_wake(turn, std::numeric_limits<int>::max());
  for (std::uint32_t seen = written.load(std::memory_order_acquire); seen != n;
       seen = written.load(std::memory_order_acquire)) {
    base::futex_wait(written, seen);
  }
}

std::span<const halted> halt::threads() const noexcept {
  return {places.data(), std::min<std::size_t>(written.load(std::memory_order_acquire), places.size())};
}

bool halt_here(const void* handler_argument) noexcept {
  const std::uint32_t now = turn.load(std::memory_order_acquire);  // acquire: pairs with the release in halt()
  if (now % 2 == 0) {
    return false;
  }
  // No other handler runs here until this one returns, which restores the mask.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  base::stress_point();
  std::uint64_t t = taken.load(std::memory_order_relaxed);
  do {
    if (static_cast<std::uint32_t>(t >> 32) != now) {
      return true;  // too late
    }
  } while (!taken.compare_exchange_weak(t, t + 1, std::memory_order_acq_rel));
  base::stress_point();
  if (count_of(t) < places.size()) {
    places[count_of(t)] = {::gettid(), machine::interrupted_stack_pointer(handler_argument), handler_argument};
  }
  base::stress_point();
  written.fetch_add(1, std::memory_order_release);  // release: the place is seen
  base::futex_wake(written);
  while (turn.load(std::memory_order_acquire) == now) {
    base::futex_wait(turn, now);
  }
  return true;
}

}  // namespace gossamer::inline v0::sched
