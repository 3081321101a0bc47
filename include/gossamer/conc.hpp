// conc: loops whose turns run in parallel, in a bounded number of fibers, and which are over when they return.
// Source: sourcegraph/conc (iter.ForEach, iter.Map, pool.ErrorPool). Differs: always stops at the first error; results
// are in the order of the elements. Built on public headers only. With it comes conc::barrier (conc/barrier.hpp).
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "conc/barrier.hpp"  // IWYU pragma: export
#include "debug.hpp"
#include "defer.hpp"
#include "detail/completion.hpp"
#include "detail/counted.hpp"
#include "detail/invoke.hpp"
#include "detail/thrown.hpp"
#include "error.hpp"
#include "errors.hpp"
#include "panic.hpp"
#include "runtime.hpp"
#include "sync/mutex.hpp"
#include "sync/wait_group.hpp"

namespace gossamer::inline v0::conc {

// The panic of a task, thrown again in the caller: text() and value() are the task's; what(), which a report prints,
// also says which task it was, and of which call. An exception of another kind is a panic here as for recover(): its
// text is what(), its value a std::exception_ptr.
class task_panic final : public panic_error {
 public:
  task_panic(const panic_error& of, std::size_t i, std::string_view call, const std::source_location& at)
      : panic_error(of), index_(i), what_(std::make_shared<const std::string>(describe(of.text(), i, call, at))) {}
  const char* what() const noexcept override { return what_->c_str(); }
  // Which element it was given, counted from 0.
  std::size_t index() const noexcept { return index_; }

 private:
  static std::string describe(const std::string& text, std::size_t i, std::string_view call,
                              const std::source_location& at) {
    return text + " [task " + std::to_string(i) + " of " + std::string(call) + " at " + at.file_name() + ":" +
           std::to_string(at.line()) + "]";
  }

  std::size_t index_;
  std::shared_ptr<const std::string> what_;
};

namespace conc_detail {

// What is common to all loops: how they end. Lies on the caller's stack.
class loop {
 public:
  explicit loop(int limit) : limit_(limit == 0 ? runtime::max_procs() : limit) {
    if (limit < 0) {
      panic("max fibers in a pool must be greater than zero");
    }
  }

  // Calls turn() in limit fibers, each again and again until it returns false or the loop is stopped.
  template <class Turn>
  void run(std::size_t most, const Turn& turn) {
    detail::check_may_wait();  // before something is started that refers to what lies here
    const auto width = static_cast<std::size_t>(limit_);
    for (std::size_t i = 0; i < (most < width ? most : width); ++i) {
      try {
        start(turn);
      } catch (const std::bad_alloc&) {
        if (i == 0) {
          throw;
        }
        break;  // those that run take all the elements
      }
    }
    over_.wait();
  }
  // relaxed: who sees it late starts one more.
  bool stopped() const noexcept { return stop_.load(std::memory_order_relaxed); }

  // The first one counts; no more tasks are started.
  void fail(error err) {
    mutex_.lock();
    if (!error_) {
      error_ = std::move(err);
    }
    mutex_.unlock();
    stop_.store(true, std::memory_order_relaxed);
  }
  // Of panics, too: what waits for the rest is named after it meanwhile.
  void fail_by_exception(std::size_t index, std::string_view call, const detail::thrown& left) {
    std::optional<panic_error> p;
    try {
      left.again();
    } catch (const panic_error& e) {
      p.emplace(e);
    } catch (...) {
      std::string text = errors::from_exception(left.exception()).text();
      const detail::reference<detail::panic_payload> made(
          new detail::panic_value<std::exception_ptr>(std::move(text), left.exception()));
      made->thrown_at = left.site();
      p.emplace(made);
    }
    mutex_.lock();
    if (!panic_) {
      panic_ = std::move(p);
      panicked_ = index;
      say_so_in_dumps(call);
    }
    mutex_.unlock();
    stop_.store(true, std::memory_order_relaxed);
  }

  // After run(): a panic goes before an error.
  error result(std::string_view call, const std::source_location& where) {
    if (panic_) {
      throw task_panic(*panic_, panicked_, call, where);
    }
    return std::move(error_);
  }

 private:
  template <class Turn>
  void start(const Turn& turn) {
    over_.go([this, &turn] {
      // A task that leaves by goexit takes its fiber with it: another goes on in its place.
      bool ended = false;
      const defer next{[&] {
        if (!ended && !stopped()) {
          start(turn);
        }
      }};
      while (!stopped() && turn()) {
      }
      ended = true;
    });
  }

  void say_so_in_dumps(std::string_view call) noexcept {
    try {
      const std::string& text = panic_->text();
      said_.emplace(over_, std::string(call) + ", task " + std::to_string(panicked_) +
                               " panicked: " + text.substr(0, std::min<std::size_t>(text.find('\n'), 200)));
    } catch (const std::bad_alloc&) {  // the panic itself is kept
    }
  }

  const int limit_;
  sync::wait_group over_;
  std::atomic<bool> stop_{false};
  sync::mutex mutex_;
  // Guarded by mutex_ until all is over.
  error error_;
  std::optional<panic_error> panic_;
  std::size_t panicked_ = 0;
  std::optional<debug::object_name> said_;
};

// Hands out the elements, each once.
template <class I>
class elements {
 public:
  elements(I first, I last) : next_(first), last_(last) {}
  // At most; if it cannot be told cheaply: any number.
  std::size_t most() const {
    if constexpr (std::random_access_iterator<I>) {
      return static_cast<std::size_t>(last_ - next_);
    } else {
      return next_ == last_ ? 0 : ~std::size_t{0};
    }
  }
  // The next one and its number; empty if there is none.
  std::optional<std::pair<std::size_t, I>> take() {
    if constexpr (std::random_access_iterator<I>) {
      const auto n = static_cast<std::size_t>(last_ - next_);
      // relaxed: the loop's end orders what the tasks do.
      const std::size_t i = taken_.fetch_add(1, std::memory_order_relaxed);
      if (i < n) {
        return std::pair(i, next_ + static_cast<std::iter_difference_t<I>>(i));
      }
      return std::nullopt;
    } else {
      const lock hold{mutex_};
      if (next_ == last_) {
        return std::nullopt;
      }
      const std::size_t i = taken_.fetch_add(1, std::memory_order_relaxed);
      return std::pair(i, next_++);
    }
  }

 private:
  struct lock {
    explicit lock(sync::mutex& m) : mutex(m) { mutex.lock(); }
    ~lock() { mutex.unlock(); }
    sync::mutex& mutex;
  };

  I next_;
  const I last_;
  std::atomic<std::size_t> taken_{0};
  sync::mutex mutex_;  // guards next_, unless it stays where it is
};

// Calls task(index, element) for each element.
template <class Range, class Task>
error each(Range& range, int limit, std::string_view call, const std::source_location& where, const Task& task) {
  using iterator = decltype(std::begin(range));
  static_assert(std::forward_iterator<iterator>,
                "conc: the elements of a range that can be passed only once are gone "
                "when their task runs: collect them first");
  loop all(limit);
  elements<iterator> todo(std::begin(range), std::end(range));
  all.run(todo.most(), [&] {
    const auto next = todo.take();
    if (!next) {
      return false;
    }
    detail::thrown left;
    left.keep_from([&] {
      if (error err = task(next->first, next->second)) {
        all.fail(std::move(err));
      }
    });
    if (left) {
      all.fail_by_exception(next->first, call, left);
    }
    return true;
  });
  return all.result(call, where);
}

template <class R>
struct result_of {
  using value = R;
  static constexpr bool can_fail = false;
};
template <class T>
struct result_of<std::pair<T, error>> {
  using value = T;
  static constexpr bool can_fail = true;
};

}  // namespace conc_detail

// Calls f(element) for every element of the range, each once, in fibers of which at most `limit` run at a time (0:
// runtime::max_procs()), and returns when all calls are over. What f returns, if anything, is an error: after the first
// one no more calls are begun, those in progress are waited for, and it is returned. If a call panics the same holds,
// and the caller panics with a task_panic of the first panic (later ones are dropped), which goes before an error. It
// does so when the calls in progress are over, as in sourcegraph/conc: not before, since they may refer to what is the
// caller's. Should one of them never end, dumps and deadlock reports show the panic meanwhile, as the name of what the
// caller waits for. A call that ends in goexit is over. `limit` below 0 panics. The range's iterators must be forward
// iterators. From a fiber or a plain thread. What the calls do happens-before the return.
//
//   error err = conc::for_each(urls, [&](const std::string& url) -> error { return fetch(url); }, 8);
//
template <class Range, class F>
auto for_each(Range&& range, F&& f, int limit = 0, std::source_location where = std::source_location::current()) {
  using iterator = decltype(std::begin(range));
  using returned = std::invoke_result_t<F&, std::iter_reference_t<iterator>>;
  constexpr bool can_fail = std::convertible_to<returned, error>;
  static_assert(can_fail || std::is_void_v<returned>, "conc::for_each: the function returns nothing or an error");
  const auto task = [&](std::size_t, const iterator& at) -> error {
    if constexpr (can_fail) {
      return detail::invoke(f, *at);
    } else {
      detail::invoke(f, *at);
      return nullptr;
    }
  };
  if constexpr (can_fail) {
    return conc_detail::each(range, limit, "conc::for_each", where, task);
  } else {
    conc_detail::each(range, limit, "conc::for_each", where, task);
  }
}

// The results of f(element) for every element, in the order of the elements: a std::vector<R>. If f returns a
// std::pair<R, error>: a std::pair of the vector and the first error; the vector is empty if there was one. Otherwise
// as for_each(). R need not be default-constructible, and may be move-only.
//
//   auto [pages, err] = conc::map(urls, [](const std::string& url) { return get(url); }, 8);
//
template <class Range, class F>
auto map(Range&& range, F&& f, int limit = 0, std::source_location where = std::source_location::current()) {
  using iterator = decltype(std::begin(range));
  using returned =
      conc_detail::result_of<std::remove_cvref_t<std::invoke_result_t<F&, std::iter_reference_t<iterator>>>>;
  using value = typename returned::value;
  static_assert(!std::is_void_v<value>, "conc::map: the function returns a result");
  // Not a vector<bool>, whose elements are not objects of their own.
  std::vector<std::optional<value>> found(static_cast<std::size_t>(std::distance(std::begin(range), std::end(range))));
  error err = conc_detail::each(range, limit, "conc::map", where, [&](std::size_t i, const iterator& at) -> error {
    if constexpr (returned::can_fail) {
      auto [v, e] = detail::invoke(f, *at);
      found[i].emplace(std::move(v));
      return e;
    } else {
      found[i].emplace(detail::invoke(f, *at));
      return nullptr;
    }
  });
  std::vector<value> results;
  if (!err) {
    results.reserve(found.size());
    for (auto& v : found) {
      if (v) {  // a task that left by goexit has none
        results.push_back(std::move(*v));
      }
    }
  }
  if constexpr (returned::can_fail) {
    return std::pair<std::vector<value>, error>(std::move(results), std::move(err));
  } else {
    return results;
  }
}

}  // namespace gossamer::inline v0::conc
