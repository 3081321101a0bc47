// relay: see relay.hpp.
#include "signal/relay.hpp"

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include "gossamer/asio.hpp"
#include "gossamer/error.hpp"
#include "gossamer/go.hpp"
#include "gossamer/select.hpp"

namespace gossamer::inline v0::signal {

namespace {

constexpr relay::numbers bit(int n) noexcept { return relay::numbers{1} << (n - 1); }

bool can_be_caught(int n) noexcept {
  for (const int never : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF, SIGURG}) {
    if (n == never) {
      return false;
    }
  }
  struct sigaction unused{};
  return n > 0 && n <= relay::most && ::sigaction(n, nullptr, &unused) == 0;  // the C library has some for itself
}

// What the handler may touch. Changed under the relay's guard, but for the count.
struct tally {
  // `caught`, and how many have come and have not been handed on. One word: a signal is counted while somebody wants
  // it, or it is not counted at all.
  std::atomic<std::uint64_t> word{0};
  std::atomic<void (*)(int)> pass_on{nullptr};  // Asio's handler
  std::atomic<void (*)(int)> first{SIG_DFL};    // the program's own, from before ours could be known to it
};
constexpr std::uint64_t caught = std::uint64_t{1} << 63;
static_assert(decltype(tally::word)::is_always_lock_free && decltype(tally::pass_on)::is_always_lock_free);
constinit std::array<tally, relay::most> tallies;

tally& tally_of(int n) noexcept { return tallies[static_cast<std::size_t>(n - 1)]; }

// For a signal whose handler was chosen, by the kernel, before it was given back, and runs only now: it has the effect
// that it has had since, as soon as the handler returns. A handler of the program's that was installed later than ours
// has had it: it is the one that has called ours.
void come_again(int n) noexcept {
  struct sigaction now{};
  if (::sigaction(n, nullptr, &now) == 0 &&
      (now.sa_handler == SIG_DFL || (now.sa_handler != SIG_IGN && now.sa_handler == tally_of(n).first.load()))) {
    ::pthread_kill(::pthread_self(), n);
  }
}

extern "C" void gossamer_count_signal(int n) {
  const int before = errno;
  tally& t = tally_of(n);
  // Counted before it is in Asio's pipe: who has read it from there sees the count. seq_cst, since the pipe orders
  // nothing by the language's rules.
  std::uint64_t w = t.word.load();
  while ((w & caught) != 0 && !t.word.compare_exchange_weak(w, w + 1)) {
  }
  if ((w & caught) != 0) {
    t.pass_on.load()(n);
  } else {
    come_again(n);
  }
  errno = before;
}

// Source: Go's signalError.
struct received final : errors::base {
  explicit received(os::signal s) : what(s) {}
  std::string text() const override { return what.text() + " signal received"; }
  bool is(const error& target) const override { return target == context::canceled; }
  os::signal what;
};

}  // namespace

relay& relay::one() {
  static relay& it = *new relay;
  return it;
}

relay::numbers relay::catchable(std::span<const os::signal> signals) noexcept {
  numbers all = 0;
  for (int n = 1; n <= most; ++n) {
    bool named = signals.empty();
    for (const os::signal s : signals) {
      named = named || s == os::signal(n);
    }
    if (named && can_be_caught(n)) {
      all |= bit(n);
    }
  }
  return all;
}

void relay::notify(const send_chan<os::signal>& ch, numbers wanted) {
  if (wanted == 0) {
    return;
  }
  boost::asio::io_context& context = runtime::io_context();
  const std::scoped_lock hold(guard_);
  if (!set_) {
    keeper_.emplace(context);
    set_.emplace(context);
  }
  auto who = listeners_.begin();
  while (who != listeners_.end() && who->ch != ch) {
    ++who;
  }
  if (who == listeners_.end()) {
    who = listeners_.insert(who, {.ch = ch, .context = 0, .cancel = nullptr, .wanted = 0});
  }
  enable(*who, wanted);
}

std::uint64_t relay::notify(const context::cancel_cause_func& cancel, numbers wanted) {
  boost::asio::io_context& context = runtime::io_context();
  const std::scoped_lock hold(guard_);
  if (!set_) {
    keeper_.emplace(context);
    set_.emplace(context);
  }
  listeners_.push_back({.ch = nullptr, .context = ++contexts_, .cancel = cancel, .wanted = 0});
  enable(listeners_.back(), wanted);
  return contexts_;
}

void relay::enable(listener& who, numbers wanted) {
  who.wanted |= wanted;
  for (int n = 1; n <= most; ++n) {
    if ((wanted & bit(n)) != 0) {
      catch_it(n);
    }
  }
  if (!waiting_) {
    await();
  }
}

void relay::catch_it(int n) {
  known& s = at(n);
  struct sigaction before{};
  if (s.now == fate::caught || ::sigaction(n, nullptr, &before) != 0) {
    return;
  }
  boost::system::error_code problem;
  set_->add(n, problem);
  if (problem) {
    return;
  }
  if (!s.kept) {
    ::sigaction(n, nullptr, &s.ours);
    s.asios = s.ours.sa_handler;
    if (s.asios != before.sa_handler) {  // otherwise a signal_set of the program's has it, too
      s.ours.sa_flags |= SA_RESTART | SA_ONSTACK;
    }
    s.ours.sa_handler = gossamer_count_signal;
  }
  tally& t = tally_of(n);
  t.pass_on.store(s.asios);
  if (!s.known_to_others) {
    t.first.store(before.sa_handler);
    s.known_to_others = true;
  }
  t.word.store(caught);
  ::sigaction(n, &s.ours, nullptr);
  if (s.now == fate::untouched) {
    s.before = before;
  }
  s.now = fate::caught;
}

// Of a signal that is caught. Those that have come until then are handed on to whoever still wants it.
void relay::let_go(int n, const struct sigaction& next) noexcept {
  known& s = at(n);
  // Where Asio's own handler is to stay, a signal_set of the program's has put it there, and may take it away.
  const bool must_stay = next.sa_handler != SIG_DFL && next.sa_handler != s.asios;
  boost::system::error_code ignored;
  if (must_stay && !s.kept) {
    try {
      keeper_->add(n, ignored);
      s.kept = !ignored;
    } catch (...) {
    }
  }
  ::sigaction(n, &next, nullptr);
  const std::uint64_t came = tally_of(n).word.exchange(0) & ~caught;
  set_->remove(n, ignored);
  if (must_stay && !s.kept) {
    ::sigaction(n, &next, nullptr);
  }
  s.left_behind += came;
  deliver(n, came);
}

// Of those that are caught: what has come is not left to a worker.
void relay::hand_on(numbers these) noexcept {
  for (int n = 1; n <= most; ++n) {
    if ((these & bit(n)) != 0 && at(n).now == fate::caught) {
      const std::uint64_t came = tally_of(n).word.fetch_and(caught) & ~caught;
      at(n).left_behind += came;
      deliver(n, came);
    }
  }
}

void relay::restore(int n) noexcept {
  known& s = at(n);
  if (s.now == fate::caught) {
    struct sigaction now{};
    ::sigaction(n, nullptr, &now);
    // Somebody else has taken the signal over: theirs stays.
    let_go(n, now.sa_handler != s.ours.sa_handler ? now : s.before);
  } else if (s.now == fate::ignored) {
    ::sigaction(n, &s.before, nullptr);
  }
  s.now = fate::untouched;
}

void relay::restore_unwanted() noexcept {
  numbers wanted = 0;
  for (const listener& l : listeners_) {
    wanted |= l.leaves ? 0 : l.wanted;
  }
  bool any = false;
  for (int n = 1; n <= most; ++n) {
    if (at(n).now == fate::caught && (wanted & bit(n)) == 0) {
      restore(n);
    }
    any = any || at(n).now == fate::caught;
  }
  if (!any && waiting_) {
    waiting_ = false;
    ++waits_;
    boost::system::error_code ignored;
    set_->cancel(ignored);
  }
}

relay::listeners relay::drop(listeners::iterator who) noexcept {
  listeners gone;
  who->leaves = true;
  restore_unwanted();
  hand_on(who->wanted);
  gone.splice(gone.begin(), listeners_, who);
  return gone;
}

void relay::stop(const send_chan<os::signal>& ch) noexcept {
  listeners gone;
  const std::scoped_lock hold(guard_);
  for (auto l = listeners_.begin(); l != listeners_.end(); ++l) {
    if (l->context == 0 && l->ch == ch) {
      gone = drop(l);
      return;
    }
  }
}

error relay::stop(std::uint64_t context) {
  listeners gone;
  {
    const std::scoped_lock hold(guard_);
    for (auto l = listeners_.begin(); l != listeners_.end(); ++l) {
      if (l->context == context) {
        gone = drop(l);
        break;
      }
    }
  }
  return gone.empty() || gone.front().first == 0 ? error() : error(received(os::signal(gone.front().first)));
}

relay::listeners relay::forget(numbers these) noexcept {
  listeners gone;
  for (auto l = listeners_.begin(); l != listeners_.end();) {
    const auto next = std::next(l);
    l->wanted &= ~these;
    if (l->wanted == 0) {
      gone.splice(gone.begin(), listeners_, l);
    }
    l = next;
  }
  return gone;
}

void relay::reset(numbers these) noexcept {
  listeners gone;
  const std::scoped_lock hold(guard_);
  for (int n = 1; n <= most; ++n) {
    if ((these & bit(n)) != 0) {
      restore(n);
    }
  }
  gone = forget(these);
  restore_unwanted();
}

void relay::ignore(numbers these) noexcept {
  struct sigaction nothing{};
  nothing.sa_handler = SIG_IGN;
  listeners gone;
  const std::scoped_lock hold(guard_);
  for (int n = 1; n <= most; ++n) {
    known& s = at(n);
    if ((these & bit(n)) == 0) {
      continue;
    }
    if (s.now == fate::caught) {
      let_go(n, nothing);
    } else {
      ::sigaction(n, &nothing, s.now == fate::untouched ? &s.before : nullptr);
    }
    s.now = fate::ignored;
  }
  gone = forget(these);
  restore_unwanted();
}

void relay::await() {
  waiting_ = true;
  set_->async_wait([this, wait = ++waits_](const boost::system::error_code& problem, int n) {
    if (!problem) {
      arrived(n, wait);
    }
  });
}

// On a worker's own stack.
void relay::arrived(int n, std::uint64_t wait) {
  const std::scoped_lock hold(guard_);
  if (wait != waits_) {
    return;
  }
  if (is_new(n)) {
    deliver(n, 1);
  }
  await();
}

// Not one that has been handed on by who left, and has been in Asio's pipe since. One that has not been counted may
// also have come just when it was being caught.
bool relay::is_new(int n) noexcept {
  known& s = at(n);
  std::atomic<std::uint64_t>& word = tally_of(n).word;
  if ((word.load() & ~caught) != 0) {
    word.fetch_sub(1);  // under the guard nobody else takes any
    return true;
  }
  if (s.left_behind > 0) {
    --s.left_behind;
    return false;
  }
  return true;
}

void relay::deliver(int n, std::uint64_t times) noexcept {
  for (; times > 0; --times) {
    for (listener& l : listeners_) {
      if ((l.wanted & bit(n)) == 0) {
        continue;
      }
      if (l.ch) {
        try {
          static_cast<void>(select(send(l.ch, os::signal(n)), otherwise));
        } catch (...) {
          go([p = std::current_exception()] { std::rethrow_exception(p); });  // closed: fatal, whoever has called
        }
      } else if (auto cancel = std::exchange(l.cancel, nullptr)) {
        l.first = n;
        if (!l.leaves) {
          // A fiber, since a cancellation may have to wait for another one.
          go([cancel = std::move(cancel), n] { cancel(received(os::signal(n))); });
        }
      }
    }
  }
}

}  // namespace gossamer::inline v0::signal
