// lost: see lost.hpp. How memory is had as it was at one instant: everybody stands still while it is looked through, or
// copied.
#include "debug/lost.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <limits>
#include <mutex>
#include <thread>

#include "base/forked.hpp"
#include "debug/heap_blocks.hpp"
#include "debug/leak_waits.hpp"
#include "debug/marking.hpp"
#include "gossamer/runtime.hpp"
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
constexpr std::size_t looked_through_in_place = std::size_t{32} << 20;

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

// What it has written: pages in memory that are no file's. The greatest number where that is not known.
std::size_t own_memory() noexcept {
  constexpr std::size_t not_known = std::numeric_limits<std::size_t>::max();
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return not_known;
  }
  char text[128];
  const ssize_t n = ::read(file, text, sizeof text - 1);
  ::close(file);
  // In pages: all of its address space, what is in memory, what of that is a file's or shared.
  unsigned long long all = 0;
  unsigned long long in_memory = 0;
  unsigned long long shared = 0;
  text[std::max<ssize_t>(n, 0)] = 0;
  if (std::sscanf(text, "%llu %llu %llu", &all, &in_memory, &shared) != 3 || shared > in_memory) {
    return not_known;
  }
  return static_cast<std::size_t>(in_memory - shared) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
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
std::string_view ask_instant(instant at, const shared_answer& to) noexcept {
  const bool is_small = own_memory() <= looked_through_in_place;
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
    if (complete) {
      at.threads = all.threads();
      if (is_small) {
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
  if (!is_small && copy < 0) {
    return "the process could not be copied";
  }
  if (copy > 0) {
    wait_for(copy);
  }
  return to.get()->count < 0 ? "memory could not be read, or is shared with other processes" : "";
}

std::string_view ask(const void* callers_frame, const fiber* caller, const shared_answer& to) noexcept {
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
  return ask_instant(at, to);
}

// So they stay: whatever shows them can say so.
void mark_leaked(const lost_fibers& lost) {
  std::vector<std::uint64_t> ids;
  for (const lost_fiber& l : lost.all) {
    ids.push_back(l.id);
  }
  visit_held(ids, [](fiber& f, std::size_t) { f.set(gossamer::detail::mark::leaked); });
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
  found.unknown = runtime::blocking([&] { return ask(callers_frame, caller, to); });
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
