// asio_call: one call with use_fiber: what lies on the caller's stack while the operation is under way, and the handler
// that ends it.
//
// Whatever refers to the call from elsewhere is waited for before it goes: the handler, or that it is destroyed
// (done_); what begins the operation on another executor (begun_); what asks it to end (asked); and the memory that the
// operation was given (room_).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/system_error.hpp>
#include <concepts>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "../detail/completion.hpp"
#include "../detail/deadline.hpp"
#include "../detail/spin_lock.hpp"
#include "../detail/stop.hpp"
#include "../runtime.hpp"
#include "call_room.hpp"
#include "executor.hpp"
#include "outcome.hpp"

namespace gossamer::inline v0::detail {

struct call_options {
  boost::system::error_code* ec = nullptr;  // null: errors are thrown
  wait::stop ended{};
  deadline until = no_deadline;
  boost::asio::cancellation_type_t sort = boost::asio::cancellation_type::all;
  std::source_location where{};
};

// ---- asking the operation to end ------------------------------------------------------------------------------------

template <bool Stoppable>
struct stop_part {
  boost::asio::cancellation_slot slot() noexcept { return {}; }
  void leave() noexcept {}
};
template <>
struct stop_part<true> {
  using strand = boost::asio::strand<boost::asio::any_io_executor>;

  boost::asio::cancellation_signal signal;
  std::optional<completion> asked;

  boost::asio::cancellation_slot slot() noexcept { return signal.slot(); }

  // A strand, on which the operation and what asks it to end take turns. Made when the operation first wants to know
  // where its steps are to run, as a rule before it is begun.
  template <class Inner>
  strand turns_on(const Inner& inner) {
    const std::scoped_lock hold(guard_);
    if (!turns_) {
      turns_.emplace(boost::asio::any_io_executor(inner));
    }
    return *turns_;
  }
  std::optional<strand> turns() {
    const std::scoped_lock hold(guard_);
    return turns_;
  }
  // The operation has ended, or is given up: its io_context may go before the call does, and the strand goes before it.
  void leave() noexcept {
    std::optional<strand> gone;
    const std::scoped_lock hold(guard_);
    gone.swap(turns_);
    left_ = true;
  }
  bool left() noexcept {
    const std::scoped_lock hold(guard_);
    return left_;
  }

 private:
  spin_lock guard_;
  std::optional<strand> turns_;
  bool left_ = false;
};

// Asks, on the operation's own executor; or is destroyed by an executor that does not run any more.
class asks_to_end {
 public:
  asks_to_end(stop_part<true>& call, const completion& done, boost::asio::cancellation_type_t sort) noexcept
      : call_(&call), done_(&done), sort_(sort) {}
  asks_to_end(asks_to_end&& other) noexcept
      : call_(std::exchange(other.call_, nullptr)), done_(other.done_), sort_(other.sort_) {}
  asks_to_end& operator=(const asks_to_end&) = delete;
  ~asks_to_end() {
    if (call_ != nullptr) {
      call_->asked->finish();
    }
  }
  void operator()() {
    if (!done_->finished()) {
      call_->signal.emit(sort_);
    }
  }

 private:
  stop_part<true>* call_;
  const completion* done_;
  boost::asio::cancellation_type_t sort_;
};

// ---- the call -------------------------------------------------------------------------------------------------------

template <class Executor, bool Stoppable, class... Args>
class call_handler;

template <class Executor, bool Stoppable, class... Args>
class asio_call {
 public:
  using handler = call_handler<Executor, Stoppable, Args...>;
  using return_type = typename outcome<Args...>::type;

  asio_call(const call_options& how, const Executor& ex) : how_(how), executor_(ex) { check_may_wait(); }
  asio_call(const asio_call&) = delete;
  asio_call& operator=(const asio_call&) = delete;

  // False if the call is over before the operation is begun.
  bool may_start() {
    if (how_.ended.is_set()) {
      outcome_.code = boost::asio::error::operation_aborted;
      return false;
    }
    if (how_.until != no_deadline && how_.until <= now()) {
      outcome_.code = boost::asio::error::timed_out;
      return false;
    }
    return true;
  }

  // A function of its own: what Asio looks up in the thread is not to be kept across wait().
  template <class Initiation, class... Parameters>
  [[gnu::noinline]] void start(Initiation&& initiation, Parameters&&... parameters) {
    if constexpr (placed) {
      // The parameters stay where they are: the caller waits.
      auto begin = [&initiation, ... p = &parameters](handler h) {
        std::forward<Initiation>(initiation)(std::move(h), std::forward<Parameters>(*p)...);
      };
      begin_elsewhere(std::move(begin));
    } else {
      try {
        std::forward<Initiation>(initiation)(handler(*this), std::forward<Parameters>(parameters)...);
      } catch (...) {
        start_failure_ = std::current_exception();
      }
    }
  }

  // Until nobody else refers to the call.
  void wait() {
    bool ended = false;
    try {
      ended = done_.wait(wait::limit::of(how_.until, how_.ended), how_.where);
    } catch (...) {
      start_failure_ = std::current_exception();  // no memory for a timer
    }
    if constexpr (Stoppable) {
      if (!ended) {
        by_time_ = !how_.ended.is_set();
        ask_to_end();
      }
    }
    done_.wait({}, how_.where);
    if constexpr (Stoppable) {
      if (stop_.asked) {
        stop_.asked->wait({}, how_.where);
      }
      stop_.signal.slot().clear();
    }
    if constexpr (placed) {
      begun_.wait({}, how_.where);
    }
    room_.wait_until_given();
  }

  return_type result() {
    if (start_failure_ != nullptr) {
      std::rethrow_exception(start_failure_);
    }
    settle();
    if (how_.ec != nullptr) {
      *how_.ec = outcome_.code;
    } else if (outcome_.code) {
      throw boost::system::system_error(outcome_.code);
    }
    if constexpr (!std::is_void_v<return_type>) {
      if (!outcome_.values) {
        if constexpr (std::is_default_constructible_v<return_type>) {
          return return_type();
        } else {
          throw boost::system::system_error(outcome_.code);
        }
      } else {
        return outcome_.take();
      }
    }
  }

 private:
  friend handler;
  template <class, class>
  friend struct boost::asio::associated_executor;
  static constexpr bool placed = !std::same_as<Executor, nowhere>;

  // Begins the operation on the executor; or is destroyed by one that does not run any more, and the handler with it.
  template <class Begin>
  class begins {
   public:
    begins(asio_call& call, Begin&& b) noexcept : call_(&call), handler_(call), begin_(std::move(b)) {}
    begins(begins&& other) noexcept
        : call_(std::exchange(other.call_, nullptr)),
          handler_(std::move(other.handler_)),
          begin_(std::move(other.begin_)) {}
    begins& operator=(const begins&) = delete;
    ~begins() {
      if (call_ != nullptr) {
        call_->begun_.finish();
      }
    }
    void operator()() {
      try {
        begin_(std::move(handler_));
      } catch (...) {
        call_->start_failure_ = std::current_exception();
      }
    }

   private:
    asio_call* call_;
    handler handler_;
    Begin begin_;
  };

  template <class Begin>
  void begin_elsewhere(Begin&& begin) {
    try {
      boost::asio::dispatch(executor_, begins<std::decay_t<Begin>>(*this, std::move(begin)));
    } catch (...) {
      start_failure_ = std::current_exception();
    }
  }

  void ask_to_end()
    requires Stoppable
  {
    while (!done_.finished()) {
      stop_.asked.emplace();
      try {
        asks_to_end ask(stop_, done_, how_.sort);
        if constexpr (placed) {
          boost::asio::post(executor_, std::move(ask));
        } else if (const auto turns = stop_.turns()) {
          boost::asio::post(*turns, std::move(ask));
        } else if (!stop_.left()) {
          ask();  // it did not want to know where its steps are to run
        }
        return;
      } catch (const std::bad_alloc&) {
        stop_.asked->wait({}, how_.where);
        runtime::gosched();
      }
    }
  }

  // What became of it, as a code if it can be one.
  void settle() {
    if (outcome_.thrown != nullptr) {
      if (how_.ec == nullptr) {
        std::rethrow_exception(outcome_.thrown);
      }
      outcome_.thrown_to_code();
    }
    if (!outcome_.values && !outcome_.code) {
      outcome_.code = boost::asio::error::operation_aborted;  // given up
    }
    if (by_time_ && outcome_.code == boost::asio::error::operation_aborted) {
      outcome_.code = boost::asio::error::timed_out;
    }
  }

  const call_options how_;
  [[no_unique_address]] const Executor executor_;
  bool by_time_ = false;
  std::exception_ptr start_failure_;  // written by who begins it, before begun_
  outcome<Args...> outcome_;          // written by the handler, before done_
  completion done_;
  completion begun_;
  call_room room_;
  [[no_unique_address]] stop_part<Stoppable> stop_;
};

template <class Executor>
struct placed_on {
  using executor_type = Executor;
};
template <>
struct placed_on<nowhere> {};

// The handler. Called or not, its end is the operation's; with finish() it touches the call for the last time.
template <class Executor, bool Stoppable, class... Args>
class call_handler : public placed_on<Executor> {
 public:
  using call = asio_call<Executor, Stoppable, Args...>;
  using allocator_type = call_allocator<void>;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  explicit call_handler(call& c) noexcept : call_(&c) {}
  call_handler(call_handler&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  call_handler& operator=(const call_handler&) = delete;
  ~call_handler() {
    if (call_ != nullptr) {
      end(*call_);
    }
  }

  template <class... As>
    requires(sizeof...(As) == sizeof...(Args) && (std::is_constructible_v<std::decay_t<Args>, As> && ...))
  void operator()(As&&... as) {
    call* const c = std::exchange(call_, nullptr);
    try {
      c->outcome_.hand_over(std::forward<As>(as)...);
    } catch (...) {
      c->start_failure_ = std::current_exception();
    }
    end(*c);
  }

  allocator_type get_allocator() const noexcept { return allocator_type(&call_->room_); }
  cancellation_slot_type get_cancellation_slot() const noexcept { return call_->stop_.slot(); }
  Executor get_executor() const noexcept
    requires(!std::same_as<Executor, nowhere>)
  {
    return call_->executor_;
  }

 private:
  template <class, class>
  friend struct boost::asio::associated_executor;

  static void end(call& c) noexcept {
    c.stop_.leave();
    c.done_.finish();
  }

  call* call_;
};

}  // namespace gossamer::inline v0::detail

// Objects of gossamer::executor's live on the runtime's io_context: no fiber is needed to wake another.
template <class... Args, bool Tracked>
struct boost::asio::associated_executor<gossamer::detail::call_handler<gossamer::detail::nowhere, false, Args...>,
                                        gossamer::basic_executor<Tracked>> {
  using handler = gossamer::detail::call_handler<gossamer::detail::nowhere, false, Args...>;
  using type = io_context::executor_type;
  static type get(const handler&) noexcept { return gossamer::runtime::io_context().get_executor(); }
  static type get(const handler& h, const gossamer::basic_executor<Tracked>&) noexcept { return get(h); }
};

// What can be cancelled runs on a strand of its own over the object's executor.
template <class... Args, class Inner>
struct boost::asio::associated_executor<gossamer::detail::call_handler<gossamer::detail::nowhere, true, Args...>,
                                        Inner> {
  using handler = gossamer::detail::call_handler<gossamer::detail::nowhere, true, Args...>;
  using type = strand<any_io_executor>;
  static type get(const handler& h) noexcept { return get(h, Inner()); }
  static type get(const handler& h, const Inner& inner) noexcept { return h.call_->stop_.turns_on(inner); }
};
