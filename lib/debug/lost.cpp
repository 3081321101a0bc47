// lost: see lost.hpp. How memory is had as it was at one instant: everybody stands still while it is looked through, or
// copied.
#include "debug/lost.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>

#include "base/forked.hpp"
#include "base/system_call.hpp"
#include "debug/heap_blocks.hpp"
#include "debug/leak_waits.hpp"
#include "debug/marking.hpp"
#include "fiber/record_pool.hpp"
#include "gossamer/runtime.hpp"
#include "machine/stack.hpp"
#include "sched/halt.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::leak {

const lost_fiber* lost_fibers::find(std::uint64_t id) const noexcept {
  const auto found =
      std::lower_bound(all.begin(), all.end(), id, [](const lost_fiber& l, std::uint64_t v) { return l.id < v; });
  return found != all.end() && found->id == id ? &*found : nullptr;
}

#if GOSSAMER_ASAN || GOSSAMER_TSAN

lost_fibers find_lost_fibers(const void*) { return {{}, "not in a build with a sanitizer"}; }

#else

namespace {

// How long threads are given to stand still, at each attempt: those that do are held meanwhile. And how long they may
// go on in between.
constexpr std::chrono::milliseconds patience[] = {std::chrono::milliseconds(5),  std::chrono::milliseconds(10),
                                                  std::chrono::milliseconds(20), std::chrono::milliseconds(40),
                                                  std::chrono::milliseconds(80), std::chrono::milliseconds(160)};
constexpr std::chrono::milliseconds between_attempts(20);

// Memory of its own up to which a process is looked through as it stands: what it does meanwhile costs less than the
// copying, after which each page that is written is copied, too.
constexpr std::uint64_t looked_through_in_place = std::uint64_t{32} << 10;  // kB

constinit std::mutex one_at_a_time;

// In memory that the copy shares with the process.
struct answer {
  std::ptrdiff_t count;  // -1 until it is there
  lost_fiber all[1];

  static std::size_t bytes_for(std::size_t fibers) noexcept { return sizeof(answer) + fibers * sizeof(lost_fiber); }
};

class shared_answer {
 public:
  explicit shared_answer(std::size_t room) noexcept : room_(room) {
    void* const p = ::mmap(nullptr, answer::bytes_for(room), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) {
      it_ = static_cast<answer*>(p);
      it_->count = -1;
    }
  }
  shared_answer(const shared_answer&) = delete;
  shared_answer& operator=(const shared_answer&) = delete;
  ~shared_answer() {
    if (it_ != nullptr) {
      ::munmap(it_, answer::bytes_for(room_));
    }
  }
  answer* get() const noexcept { return it_; }
  std::span<lost_fiber> places() const noexcept { return {it_->all, room_}; }
  std::span<const std::byte> bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(it_), answer::bytes_for(room_)};
  }

 private:
  const std::size_t room_;
  answer* it_ = nullptr;
};

// The copy has the process's descriptors: a connection that is closed meanwhile must end all the same. And nothing of
// it outlives its parent, or leaves a core.
void forget_the_world() noexcept {
  ::syscall(SYS_close_range, 0U, ~0U, 0U);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{1, 1};  // 0 would not stop a core that is piped into a program
  ::setrlimit(RLIMIT_CORE, &none);
}

[[noreturn]] void look(const instant& at, const shared_answer& to) noexcept {
  forget_the_world();
  to.get()->count = mark(at, to.places());
  ::_exit(0);
}

// What fork() does, without what the program wants to be done at a fork(): handlers, which may take locks that somebody
// holds who stands still. It has no exit signal, so nobody but wait_for() hears of its end.
pid_t copy_process() noexcept {
  return static_cast<pid_t>(::syscall(SYS_clone, 0UL, nullptr, nullptr, nullptr, nullptr));
}

void wait_for(pid_t copy) noexcept {
  while (::waitpid(copy, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

// In kB, what /proc says of the process; the greatest number where it does not.
std::uint64_t kilobytes(std::string_view status, std::string_view key) noexcept {
  std::uint64_t n = std::numeric_limits<std::uint64_t>::max();
  if (const std::size_t at = status.find(key); at != status.npos) {
    status.remove_prefix(at + key.size());
    status.remove_prefix(std::min(status.find_first_not_of(" \t"), status.size()));
    std::from_chars(status.data(), status.data() + status.size(), n);
  }
  return n;
}

// Whether it may be looked through as it stands: it has written little, in memory or swapped out; there is not much
// address space to ask about; and the room for the search does not take memory at once, as where all is locked.
bool is_small() noexcept {
  constexpr std::uint64_t most_address_space = std::uint64_t{4} << 20;  // kB, without the fibers' stacks
  char room[4096];
  const std::string_view status = base::read_of_thread(::gettid(), "status", room);
  const std::uint64_t own = kilobytes(status, "\nRssAnon:");
  const std::uint64_t huge = kilobytes(status, "\nHugetlbPages:");
  const std::uint64_t swapped = kilobytes(status, "\nVmSwap:");
  const std::uint64_t mapped = kilobytes(status, "\nVmSize:");
  const std::uint64_t stacks = machine::mapped_stack_bytes.load(std::memory_order_relaxed) / 1024;
  const bool each_is_little = std::max({own, huge, swapped}) <= looked_through_in_place;
  return each_is_little && own + huge + swapped <= looked_through_in_place && mapped <= most_address_space + stacks &&
         kilobytes(status, "\nVmLck:") == 0 && ::access("/proc/self/pagemap", R_OK) == 0;
}

struct no_signals {
  no_signals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  no_signals(const no_signals&) = delete;
  no_signals& operator=(const no_signals&) = delete;
  ~no_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// Empty where the answer is there.
std::string_view ask_instant(instant at, const shared_answer& to,
                             std::chrono::steady_clock::time_point& when) noexcept {
  const bool in_place = is_small();
  pid_t copy = -1;
  bool complete = false;
  for (const std::chrono::milliseconds time : patience) {
    if (time != patience[0]) {
      std::this_thread::sleep_for(between_attempts);
    }
    if (sched::some_thread_blocks_halt()) {
      continue;
    }
    const no_signals quiet;
    const sched::halt all(time);
    complete = all.complete();
    when = std::chrono::steady_clock::now();
    if (complete) {
      at.threads = all.threads();
      if (in_place) {
        to.get()->count = mark(at, to.places());
        break;
      }
      copy = copy_process();
      if (copy == 0) {
        look(at, to);
      }
      break;
    }
  }
  if (!complete) {
    return "a thread did not stand still, or blocks SIGURG";
  }
  if (!in_place && copy < 0) {
    return "the process could not be copied";
  }
  if (copy > 0) {
    wait_for(copy);
  }
  return to.get()->count < 0 ? "memory could not be read, or is shared with other processes" : "";
}

std::string_view ask(const void* callers_frame, const fiber* caller, const shared_answer& to,
                     std::chrono::steady_clock::time_point& when) noexcept {
  const std::scoped_lock hold(one_at_a_time);
  stack_t signal_stack{};
  ::sigaltstack(nullptr, &signal_stack);
  instant at;
  at.caller = caller;
  at.callers_frame = callers_frame;
  at.callers_thread = ::gettid();
  at.callers_signal_stack = {static_cast<const std::byte*>(signal_stack.ss_sp), signal_stack.ss_size};
  at.tcache_key = debug::tcache_key();
  at.answer = to.bytes();
  return ask_instant(at, to, when);
}

// So they stay: whatever shows them can say so.
void mark_leaked(const lost_fibers& lost) {
  using gossamer::detail::mark::leaked;
  std::vector<std::uint64_t> ids;
  records.for_each([&](const fiber& f) {
    const std::uint64_t id = f.id.load(std::memory_order_acquire);  // acquire: pairs with the spawner's release
    if (id != 0 && !f.has(leaked) && lost.find(id) != nullptr) {
      ids.push_back(id);
    }
  });
  std::sort(ids.begin(), ids.end());
  visit_held(ids, [](fiber& f, std::size_t) {
    if (f.state.load(std::memory_order_relaxed) == fiber_state::parked) {
      f.set(leaked);
    }
  });
}

}  // namespace

lost_fibers find_lost_fibers(const void* callers_frame) {
  lost_fibers found;
  const fiber* const caller = sched::this_fiber();
  const int fibers = sched::the_scheduler.num_fibers();
  if (!sched::the_scheduler.is_running() || fibers <= (caller != nullptr ? 1 : 0)) {
    return found;  // there is nobody else
  }
  base::not_in_forked_child();
  const auto room = static_cast<std::size_t>(fibers) + 64;
  const shared_answer to(room);
  if (to.get() == nullptr) {
    found.unknown = "there was no memory";
    return found;
  }
  found.unknown = runtime::blocking([&] { return ask(callers_frame, caller, to, found.at); });
  if (found.unknown.empty()) {
    const std::span<lost_fiber> all = to.places().first(static_cast<std::size_t>(to.get()->count));
    found.all.assign(all.begin(), all.end());
    std::sort(found.all.begin(), found.all.end(), [](const lost_fiber& a, const lost_fiber& b) { return a.id < b.id; });
    mark_leaked(found);
  }
  return found;
}

#endif

}  // namespace gossamer::inline v0::leak
