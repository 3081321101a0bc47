// asio/use_fiber: the completion token with which any asynchronous operation of Asio's is a call that blocks.
//
//   s.async_connect(server, use_fiber);                         // an error is thrown
//   std::size_t n = s.async_read_some(buffer, use_fiber[ec]);   // an error goes into ec
//   t.async_wait(use_fiber(ctx)[ec]);                           // operation_aborted once ctx is cancelled
//   s.async_read_some(buffer, use_fiber.within(5s)[ec]);        // timed_out after 5 s
//   tls.async_read_some(buffer, use_fiber.on(tls)[ec]);         // on the strand that tls was made with
//
// From a fiber, which parks, or from a plain thread, which blocks; not from a handler that runs on a worker's own
// stack: there it panics, and nothing is started. The object may live on any io_context that somebody runs.
//
// Result. void for the signatures void(), void(error_code), void(exception_ptr); T where there is one more argument
// (which may be move-only), std::tuple<T, U…> where there are several. An error_code is thrown as
// boost::system::system_error, or stored with [ec], as success is too; an exception_ptr is rethrown, but with [ec] a
// system_error in it is stored. With [ec] an operation that failed returns what it handed over (the bytes that were
// read, say). The operation happens-before the return. bind_executor, as_tuple and so on may be put around the token.
//
// The call returns when the operation has really ended, so that buffers may lie on the stack. One that is given up
// without its handler being called (its io_context is destroyed, a library drops it) ends with operation_aborted; with
// [ec] it is stored where the values can be made from nothing, otherwise thrown.
//
// Cancellation. Once the context (a wait::stop) is cancelled, or the time has come, the operation is asked to end,
// through Asio's cancellation slot, with cancellation_type::all unless another one is given: it ends as soon as it
// supports any sort, and after a composed operation (a TLS read, async_write) the stream may then be of no more use.
// The call waits for that, and returns what the operation says; it may have succeeded meanwhile, and one that does not
// support cancellation (name look-ups) goes on to its own end. operation_aborted after a time-out becomes timed_out. If
// the context is cancelled (the time has come) beforehand, nothing is started. The object must outlive the call.
//
// Where the steps of the operation run: where the object's executor runs them; the last one, which wakes the caller, is
// no work at all. An operation that can be cancelled runs on a strand of its own, since Asio's slots are not for
// several threads; with on(executor) it is begun, continued and cancelled on that executor. That is how two fibers use
// one ssl::stream, one to read and one to write: on(stream), which was made with a strand (boost::asio::make_strand(
// runtime::io_context()), not one of gossamer::executor's).
// While an operation is under way its memory is the caller's stack: for one of usual size nothing is allocated but that
// strand.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <concepts>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include "../detail/completion.hpp"
#include "../detail/deadline.hpp"
#include "../detail/stop.hpp"
#include "asio_call.hpp"
#include "executor.hpp"

namespace gossamer::inline v0 {

// Of use_fiber: with an executor of its own, or none (detail::nowhere), and whether it can end early.
template <class Executor, bool Stoppable>
class basic_use_fiber {
 public:
  // What [] takes: the place of the call comes with it.
  struct captured {
    captured(boost::system::error_code& to, std::source_location at = std::source_location::current()) noexcept
        : ec(to), where(at) {}
    boost::system::error_code& ec;
    std::source_location where;
  };

  constexpr basic_use_fiber() = default;

  // Errors go into ec.
  basic_use_fiber operator[](captured to) const {
    basic_use_fiber t = *this;
    t.how_.ec = &to.ec;
    t.how_.where = to.where;
    return t;
  }
  // The same token, with the place of the call for dumps.
  basic_use_fiber operator()(std::source_location where = std::source_location::current()) const {
    basic_use_fiber t = *this;
    t.how_.where = where;
    return t;
  }
  // The operation is asked to end once `ended` is set: a context, which must live until the call has returned.
  basic_use_fiber<Executor, true> operator()(
      wait::stop ended, boost::asio::cancellation_type_t sort = boost::asio::cancellation_type::all,
      std::source_location where = std::source_location::current()) const {
    basic_use_fiber<Executor, true> t(how_, executor_);
    t.how_.ended = ended;
    t.how_.sort = sort;
    t.how_.where = where;
    return t;
  }
  // The operation is asked to end at time tp (after d).
  template <class Clock, class Duration>
  basic_use_fiber<Executor, true> until(std::chrono::time_point<Clock, Duration> tp,
                                        std::source_location where = std::source_location::current()) const {
    return until(detail::on_machine_clock(detail::to_deadline(tp)), where);
  }
  template <class Rep, class Period>
  basic_use_fiber<Executor, true> within(std::chrono::duration<Rep, Period> d,
                                         std::source_location where = std::source_location::current()) const {
    return until(detail::after(detail::now(), detail::saturated_nanoseconds(d)), where);
  }
  // The operation is begun on that executor (of that object), and all its steps run there: a strand, as a rule.
  template <class Other>
  auto on(const Other& executor_or_object) const {
    if constexpr (requires(Other o) { o.get_executor(); }) {
      return on(const_cast<Other&>(executor_or_object).get_executor());
    } else {
      return basic_use_fiber<Other, Stoppable>(how_, executor_or_object);
    }
  }

  // An executor type, an object's type and an object for which this is the token where none is given.
  template <class Inner>
  struct executor_with_default : Inner {
    using default_completion_token_type = basic_use_fiber;
    template <class From>
      requires(!std::same_as<From, executor_with_default> && std::convertible_to<const From&, Inner>)
    executor_with_default(const From& ex) : Inner(ex) {}
  };
  template <class T>
  using as_default_on_t = typename T::template rebind_executor<executor_with_default<typename T::executor_type>>::other;
  template <class T>
  static as_default_on_t<std::decay_t<T>> as_default_on(T&& object) {
    return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
  }

 private:
  template <class, bool>
  friend class basic_use_fiber;
  template <typename, BOOST_ASIO_COMPLETION_SIGNATURE...>
  friend class boost::asio::async_result;

  template <class From>
  basic_use_fiber(const detail::call_options& how, const From& ex) : how_(how), executor_(ex) {}
  basic_use_fiber<Executor, true> until(detail::deadline when, std::source_location where) const {
    basic_use_fiber<Executor, true> t(how_, executor_);
    t.how_.until = when;
    t.how_.where = where;
    return t;
  }

  detail::call_options how_{};
  [[no_unique_address]] Executor executor_{};
};

using use_fiber_t = basic_use_fiber<detail::nowhere, false>;
inline constexpr use_fiber_t use_fiber{};

}  // namespace gossamer::inline v0

template <class Executor, bool Stoppable, class R, class... Args>
class boost::asio::async_result<gossamer::basic_use_fiber<Executor, Stoppable>, R(Args...)> {
  using call = gossamer::detail::asio_call<Executor, Stoppable, Args...>;

 public:
  using return_type = typename call::return_type;
  using completion_handler_type = typename call::handler;

  template <class Initiation, class Token, class... Parameters>
  static return_type initiate(Initiation&& initiation, Token&& token, Parameters&&... parameters) {
    call c(token.how_, token.executor_);
    if (c.may_start()) {
      c.start(std::forward<Initiation>(initiation), std::forward<Parameters>(parameters)...);
      c.wait();
    }
    return c.result();
  }
};
