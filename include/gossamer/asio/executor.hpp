// asio/executor: an executor of Asio's that runs each function in a fiber of its own, and its strands.
#pragma once

#include <atomic>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <concepts>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "../detail/completion.hpp"
#include "../detail/spin_lock.hpp"
#include "../go.hpp"
#include "context.hpp"

namespace gossamer::inline v0 {

template <class Executor, bool Stoppable>
class basic_use_fiber;

namespace detail {

// A token or an executor without an executor of its own.
struct nowhere {
  friend bool operator==(nowhere, nowhere) noexcept { return true; }
};

using tracked_context = std::decay_t<decltype(boost::asio::require(
    std::declval<boost::asio::io_context::executor_type>(), boost::asio::execution::outstanding_work.tracked))>;

}  // namespace detail

// What executor is; Tracked: while it lives, the runtime's io_context has work.
template <bool Tracked>
class basic_executor {
 public:
  // Operations without a token of objects that are made with it: `timer.async_wait()` parks the fiber.
  using default_completion_token_type = basic_use_fiber<detail::nowhere, false>;

  basic_executor() : work_(made()) {}
  // The same, whether tracked or not.
  template <bool Other>
    requires(Other != Tracked)
  basic_executor(const basic_executor<Other>&) : basic_executor() {}

  // Calls f() in a new fiber; as go() does: f is moved (or copied) now, and an exception that leaves it is a panic.
  template <class F>
  void execute(F&& f) const {
    go(std::forward<F>(f));
  }

  // The runtime's: timers, sockets and so on that are made with the executor live there, and only their handlers come
  // here.
  boost::asio::io_context& query(boost::asio::execution::context_t) const { return runtime::io_context(); }
  // Never: what is called has a fiber of its own, whoever calls.
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  static constexpr boost::asio::execution::outstanding_work_t query(
      boost::asio::execution::outstanding_work_t) noexcept {
    if constexpr (Tracked) {
      return boost::asio::execution::outstanding_work.tracked;
    } else {
      return boost::asio::execution::outstanding_work.untracked;
    }
  }
  static constexpr boost::asio::execution::relationship_t query(boost::asio::execution::relationship_t) noexcept {
    return boost::asio::execution::relationship.fork;
  }
  const basic_executor& require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }
  const basic_executor& require(boost::asio::execution::blocking_t::possibly_t) const noexcept { return *this; }
  const basic_executor& require(boost::asio::execution::relationship_t::fork_t) const noexcept { return *this; }
  const basic_executor& require(boost::asio::execution::relationship_t::continuation_t) const noexcept { return *this; }
  basic_executor<true> require(boost::asio::execution::outstanding_work_t::tracked_t) const { return *this; }
  basic_executor<false> require(boost::asio::execution::outstanding_work_t::untracked_t) const { return *this; }

  friend bool operator==(const basic_executor&, const basic_executor&) noexcept { return true; }

 private:
  using work = std::conditional_t<Tracked, detail::tracked_context, detail::nowhere>;

  static work made() {
    if constexpr (Tracked) {
      return boost::asio::require(runtime::io_context().get_executor(),
                                  boost::asio::execution::outstanding_work.tracked);
    } else {
      return {};
    }
  }

  [[no_unique_address]] work work_;
};

// Runs each function in a fiber of its own, so that it may block; for whatever takes an executor of Asio's:
//
//   boost::asio::post(executor{}, [] { time::sleep(1s); });
//   boost::asio::steady_timer t(executor{}, 10ms);               // its handlers run in fibers
//   boost::asio::co_spawn(executor{}, coroutine(), use_fiber);   // each step of it does
//
// All executors are equal. Its strands, boost::asio::make_strand(executor{}), run one fiber at a time; see below.
// Starts the runtime, if it does not run, where it is first used. From anywhere.
using executor = basic_executor<false>;

namespace detail {

// What the copies of a strand share: the functions that wait, and which fiber runs one.
class strand_turns : public std::enable_shared_from_this<strand_turns> {
 public:
  strand_turns() = default;
  strand_turns(const strand_turns&) = delete;
  strand_turns& operator=(const strand_turns&) = delete;

  template <class F>
  void submit(F&& f) {
    std::unique_ptr<turn> t = std::make_unique<typed_turn<std::decay_t<F>>>(std::forward<F>(f));
    {
      const std::scoped_lock hold(guard_);
      if (busy_) {
        (last_ != nullptr ? last_->next : first_) = std::move(t);
        last_ = last_ != nullptr ? last_->next.get() : first_.get();
        return;
      }
      busy_ = true;
    }
    try {
      start(std::move(t));
    } catch (...) {
      go_on();
      throw;
    }
  }

  bool runs_here() const noexcept {
    const void* const self = running_fiber();
    // relaxed: only this fiber itself has written what is equal.
    return self != nullptr && runner_.load(std::memory_order_relaxed) == self;
  }

 private:
  struct turn {
    turn() noexcept = default;
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    virtual ~turn() = default;
    virtual void call() = 0;
    std::unique_ptr<turn> next;
  };
  template <class F>
  struct typed_turn final : turn {
    template <class G>
    explicit typed_turn(G&& g) : f(std::forward<G>(g)) {}
    void call() override { std::move(f)(); }
    F f;
  };
  // The next one's turn comes however this one's fiber ends, by goexit too, and after its function is gone.
  struct running {
    std::shared_ptr<strand_turns> strand;
    explicit running(std::shared_ptr<strand_turns> s) noexcept : strand(std::move(s)) {
      strand->runner_.store(running_fiber(), std::memory_order_relaxed);  // relaxed: see runs_here()
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() {
      strand->runner_.store(nullptr, std::memory_order_relaxed);
      strand->go_on();
    }
  };

  void start(std::unique_ptr<turn> t) {
    go([self = shared_from_this(), t = std::move(t)]() mutable {
      const running now(std::move(self));
      const std::unique_ptr<turn> mine = std::move(t);
      mine->call();
    });
  }
  // No memory for a fiber is fatal here: nobody is left who could be told.
  void go_on() noexcept {
    std::unique_ptr<turn> t;
    {
      const std::scoped_lock hold(guard_);
      t = std::move(first_);
      if (t == nullptr) {
        busy_ = false;
        return;
      }
      first_ = std::move(t->next);
      if (first_ == nullptr) {
        last_ = nullptr;
      }
    }
    start(std::move(t));
  }

  std::atomic<const void*> runner_{nullptr};
  spin_lock guard_;
  // While guard_ is free: not busy_ implies that first_ is null; last_ is the last of first_'s list.
  bool busy_ = false;
  std::unique_ptr<turn> first_;
  turn* last_ = nullptr;
};

}  // namespace detail

}  // namespace gossamer::inline v0

// Strands of executor: one function at a time, in the order in which they came, each in a fiber of its own. One that
// parks keeps the others waiting, as if it held a mutex. boost::asio::dispatch() from a fiber that is in the strand
// calls at once.
// Asio's own strand would remember in the thread what runs, and a fiber may go on in another: so this one remembers the
// fiber. For the same reason wrap the executor itself, and not an any_io_executor that holds it.
template <bool Tracked>
class boost::asio::strand<gossamer::basic_executor<Tracked>> {
 public:
  using inner_executor_type = gossamer::basic_executor<Tracked>;
  using default_completion_token_type = typename inner_executor_type::default_completion_token_type;

  strand() : strand(inner_executor_type()) {}
  explicit strand(const inner_executor_type& inner)
      : inner_(inner), turns_(std::make_shared<gossamer::detail::strand_turns>()) {}
  template <bool Other>
    requires(Other != Tracked)
  strand(const strand<gossamer::basic_executor<Other>>& other)
      : inner_(other.inner_), turns_(other.turns_), at_once_(other.at_once_) {}

  inner_executor_type get_inner_executor() const noexcept { return inner_; }
  // Whether the calling fiber is the one that runs.
  bool running_in_this_thread() const noexcept { return turns_->runs_here(); }

  template <class F>
  void execute(F&& f) const {
    if (at_once_ && turns_->runs_here()) {
      std::decay_t<F>(std::forward<F>(f))();
    } else {
      turns_->submit(std::forward<F>(f));
    }
  }

  io_context& query(execution::context_t p) const { return inner_.query(p); }
  execution::blocking_t query(execution::blocking_t) const noexcept {
    return at_once_ ? execution::blocking_t(execution::blocking.possibly) : execution::blocking.never;
  }
  static constexpr execution::outstanding_work_t query(execution::outstanding_work_t p) noexcept {
    return inner_executor_type::query(p);
  }
  static constexpr execution::relationship_t query(execution::relationship_t p) noexcept {
    return inner_executor_type::query(p);
  }
  strand require(execution::blocking_t::never_t) const { return with(false); }
  strand require(execution::blocking_t::possibly_t) const { return with(true); }
  strand require(execution::relationship_t::fork_t) const { return *this; }
  strand require(execution::relationship_t::continuation_t) const { return *this; }
  strand<gossamer::basic_executor<true>> require(execution::outstanding_work_t::tracked_t) const { return *this; }
  strand<gossamer::basic_executor<false>> require(execution::outstanding_work_t::untracked_t) const { return *this; }

  friend bool operator==(const strand& a, const strand& b) noexcept { return a.turns_ == b.turns_; }

 private:
  template <typename>
  friend class strand;

  strand with(bool at_once) const {
    strand s = *this;
    s.at_once_ = at_once;
    return s;
  }

  inner_executor_type inner_;
  std::shared_ptr<gossamer::detail::strand_turns> turns_;
  bool at_once_ = true;
};
