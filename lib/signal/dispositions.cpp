// dispositions: see dispositions.hpp.
#include "signal/dispositions.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

namespace gossamer::inline v0::signal {

namespace {

// ---- the handlers ---------------------------------------------------------------------------------------------------

constexpr std::size_t handlers = 32;

// What the handlers may touch. Changed by one at a time, but for the count.
struct tally {
  std::atomic<std::uint64_t> word{0};  // `caught`, and how many have come
  std::atomic<std::size_t> known{0};   // so many of our handlers, the first, may be known to the program's
};
constexpr std::uint64_t caught = std::uint64_t{1} << 63;
static_assert(decltype(tally::word)::is_always_lock_free && decltype(tally::known)::is_always_lock_free);
constinit std::array<tally, dispositions::most> tallies;
constinit std::atomic<int> wakes{-1};

tally& tally_of(int n) noexcept { return tallies[static_cast<std::size_t>(n - 1)]; }

// For a signal whose handler was chosen, by the kernel, before it was given back, and runs only now: it has the effect
// that it has had since, as soon as the handler returns. A handler of the program's that may know ours has had it: it
// is the one that has called ours.
void come_again(int n, std::size_t which, siginfo_t* info) noexcept {
  struct sigaction now{};
  if (::sigaction(n, nullptr, &now) != 0 || now.sa_handler == SIG_IGN ||
      (now.sa_handler != SIG_DFL && which < tally_of(n).known.load())) {
    return;
  }
  // With what its sender has said of itself; info is anything if a handler of the program's has called ours.
  if (::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), n, info) != 0) {
    ::pthread_kill(::pthread_self(), n);
  }
}

template <std::size_t Which>
void count(int n, siginfo_t* info, void*) noexcept {
  const int before = errno;
  std::atomic<std::uint64_t>& word = tally_of(n).word;
  // Counted before it is written: who has read it sees the count. seq_cst, since an eventfd orders nothing by the
  // language's rules.
  std::uint64_t w = word.load();
  while ((w & caught) != 0 && !word.compare_exchange_weak(w, w + 1)) {
  }
  if ((w & caught) != 0) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakes.load(), &one, sizeof one);
  } else {
    come_again(n, Which, info);
  }
  errno = before;
}

constexpr auto our_handlers = []<std::size_t... Which>(std::index_sequence<Which...>) {
  return std::array{count<Which>...};
}(std::make_index_sequence<handlers>());

bool is_ours(const struct sigaction& a) noexcept {
  return std::find(our_handlers.begin(), our_handlers.end(), a.sa_sigaction) != our_handlers.end();
}

// The one to install: nobody can know it yet, unless there is none left.
auto our_handler(int n) noexcept { return our_handlers[std::min(tally_of(n).known.load(), handlers - 1)]; }

struct sigaction present(int n) noexcept {
  struct sigaction now{};
  ::sigaction(n, nullptr, &now);
  return now;
}

}  // namespace

// ---- dispositions ---------------------------------------------------------------------------------------------------

bool dispositions::can_be_caught(int n) noexcept {
  for (const int never : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF, SIGURG}) {
    if (n == never) {
      return false;
    }
  }
  struct sigaction unused{};
  return n > 0 && n <= most && ::sigaction(n, nullptr, &unused) == 0;  // the C library has some for itself
}

void dispositions::write_to(int eventfd) noexcept { wakes.store(eventfd); }

void dispositions::catch_it(int n) noexcept {
  known& s = at(n);
  if (s.now == fate::caught) {
    return;
  }
  // Ours may be there, put back by who had taken the signal over; what was before it still is.
  const struct sigaction found = present(n);
  if (!is_ours(found) && (s.now == fate::untouched || found.sa_handler != SIG_IGN)) {
    s.before = found;
  }
  struct sigaction ours{};
  ours.sa_sigaction = our_handler(n);
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  ::sigfillset(&ours.sa_mask);
  tally_of(n).word.fetch_or(caught);
  ::sigaction(n, &ours, nullptr);
  s.now = fate::caught;
}

// Of a signal that is caught. Returns what was there.
struct sigaction dispositions::give_back(int n, const struct sigaction& next) noexcept {
  tally& t = tally_of(n);
  struct sigaction replaced{};
  ::sigaction(n, &next, &replaced);
  if (replaced.sa_sigaction != our_handler(n) && t.known.load() < handlers) {
    ++t.known;  // before ours counts no more: who took the signal over may call it
  }
  t.word.fetch_and(~caught);
  return replaced;
}

void dispositions::restore(int n) noexcept {
  known& s = at(n);
  const struct sigaction found = present(n);
  if (s.now == fate::caught) {
    const struct sigaction replaced = give_back(n, is_ours(found) ? s.before : found);
    if (!is_ours(replaced)) {
      ::sigaction(n, &replaced, nullptr);  // it may have been installed just now
    }
  } else if (is_ours(found) || (s.now == fate::ignored && found.sa_handler == SIG_IGN)) {
    ::sigaction(n, &s.before, nullptr);
  }
  s.now = fate::untouched;
}

void dispositions::ignore(int n) noexcept {
  known& s = at(n);
  const struct sigaction found = present(n);
  if (!is_ours(found) && s.now != fate::ignored) {
    s.before = found;
  }
  struct sigaction nothing{};
  nothing.sa_handler = SIG_IGN;
  if (s.now == fate::caught) {
    give_back(n, nothing);
  } else {
    ::sigaction(n, &nothing, nullptr);
  }
  s.now = fate::ignored;
}

std::uint64_t dispositions::take(int n) noexcept { return tally_of(n).word.fetch_and(caught) & ~caught; }

}  // namespace gossamer::inline v0::signal
