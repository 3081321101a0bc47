// singleflight: of the calls for the same key that come while one is at work, only that one is made.
// Source: golang.org/x/sync/singleflight. Differs: a panic repeats as the same exception.
//
//   singleflight::group<std::string, page> g;
//   auto [page, err, shared] = g.do_(url, [&] { return fetch(url); });
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "chan.hpp"
#include "detail/config.hpp"
#include "detail/counted.hpp"
#include "detail/invoke.hpp"
#include "detail/run_number.hpp"
#include "detail/spawn.hpp"
#include "detail/thrown.hpp"
#include "error.hpp"
#include "go.hpp"
#include "limit.hpp"
#include "runtime.hpp"
#include "select.hpp"
#include "sync/mutex.hpp"
#include "sync/wait_group.hpp"

namespace gossamer::inline v0::singleflight {

// What do_chan() sends.
template <class V>
struct result {
  V val{};
  error err{};
  bool shared = false;  // others got it too
};

// A call: it returns a value and an error, as a pair, or a value alone.
template <class F, class V>
concept call_for = std::invocable<F&> && (std::convertible_to<std::invoke_result_t<F&>, std::pair<V, error>> ||
                                          std::convertible_to<std::invoke_result_t<F&>, V>);

// group: the calls in flight, by key. Fixed in its place; may be destroyed once every do_() has returned and every
// do_chan() has sent. From a fiber or a plain thread.
//
// What the hash, the comparison or the copying of a key throws is for the caller, and nothing has changed then. Where
// they throw when a call is over nobody is told: all get what the call returned, and the next call for the key is made.
// A copy of the value that throws is for the one who was to get it; where that is a channel it is a fatal panic.
//
// A call whose fiber was abandoned when main returned is in flight no more: the next call for the key is made.
template <class K, class V, class Hash = std::hash<K>>
  requires std::copyable<V> && std::default_initializable<V>
class group {
 public:
  group() = default;
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  // Calls f() and returns what it returned; where a call for the same key is at work already, waits for that one and
  // returns the same. The third is whether the result was given to several. A panic of f is the panic of all who wait
  // for it, the same exception; its goexit is theirs too.
  template <class F>
    requires call_for<F, V>
  std::tuple<V, error, bool> do_(const K& key, F&& f, std::source_location where = std::source_location::current()) {
    return *do_until(wait::limit(), key, std::forward<F>(f), where);
  }

  // The same, but waits for another's call only until the limit has come (a time, a stop, or both: see limit.hpp):
  // empty if that is not over then. A call of its own is not cut short: f may look at the stop. (Or do_chan(), and a
  // select.)
  template <class F>
    requires call_for<F, V>
  std::optional<std::tuple<V, error, bool>> do_until(wait::limit limit, const K& key, F&& f,
                                                     std::source_location where = std::source_location::current()) {
    detail::held lock(mu_);
    detail::reference<call>& at = place_of(key);
    if (is_in_flight(at)) {
      const detail::reference<call> it = at;
      ++it->duplicates;
      lock.unlock();
      if (!it->over.wait_until(limit, where)) {
        return std::nullopt;
      }
      if (it->failure) {
        it->failure.again();
      }
      if (it->exited) {
        runtime::goexit();
      }
      return {{it->val, it->err, true}};
    }
    const detail::reference<call> it = begin(at, detail::own_run_number());
    lock.unlock();
    make(key, *it, f);
    if (it->duplicates > 0) {
      return {{it->val, it->err, true}};
    }
    return {{std::move(it->val), std::move(it->err), false}};
  }

  // The same for one who does not wait: the call is made in a fiber of its own, and its result is sent. If it panics
  // the process ends; if it calls goexit nothing is sent.
  template <class F>
    requires call_for<std::decay_t<F>, V>
  [[nodiscard]] recv_chan<result<V>> do_chan(const K& key, F&& f) {
    const auto ch = make_chan<result<V>>(1);
    const detail::held lock(mu_);
    detail::reference<call>& at = place_of(key);
    if (is_in_flight(at)) {
      at->listeners.push_back(ch);
      ++at->duplicates;
      return ch;
    }
    const detail::reference<call> it = begin(at, detail::run_number());
    try {
      it->listeners.push_back(ch);
      go([this, key, it, f = std::forward<F>(f)]() mutable { make(key, *it, f); });
    } catch (...) {
      at = nullptr;
      throw;
    }
    return ch;
  }

  // The next call for the key is made, though one be in flight.
  void forget(const K& key) {
    const detail::held lock(mu_);
    if (const auto at = find(key); at != calls_.end()) {
      calls_.erase(at);
    }
  }

 private:
  struct call : detail::counted {
    explicit call(std::uint32_t of) : run_number(of) {}

    sync::wait_group over;
    const std::uint32_t run_number;  // of the one who makes it
    // Guarded by mu_ until the call is over, and constant then.
    int duplicates = 0;
    std::vector<chan<result<V>>> listeners{};
    bool finished = false;
    // Written by who makes the call, before it is over.
    V val{};
    error err{};
    detail::thrown failure{};
    bool exited = false;
  };
  struct entry {
    K key;
    detail::reference<call> its;
  };
  // By their keys' hashes.
  using table = std::multimap<std::size_t, entry>;

  // Under mu_. A key whose call is over may still be in the table: finding it there once more may have thrown.
  static bool is_in_flight(const detail::reference<call>& it) noexcept {
    return it != nullptr && !it->finished && !detail::is_abandoned(it->run_number);
  }
  static detail::reference<call> begin(detail::reference<call>& place, std::uint32_t run_number) {
    place = detail::reference<call>(new call(run_number));
    place->over.add(1);
    return place;
  }

  typename table::iterator find(const K& key) {
    auto [at, end] = calls_.equal_range(hash_(key));
    while (at != end && !(at->second.key == key)) {
      ++at;
    }
    return at == end ? calls_.end() : at;
  }
  detail::reference<call>& place_of(const K& key) {
    auto at = find(key);
    if (at == calls_.end()) {
      at = calls_.emplace(hash_(key), entry{key, nullptr});
    }
    return at->second.its;
  }

  template <class F>
  void make(const K& key, call& it, F& f) {
    try {
      it.failure.keep_from([&] {
        if constexpr (std::convertible_to<std::invoke_result_t<F&>, std::pair<V, error>>) {
          std::pair<V, error> got = detail::invoke(f);
          it.val = std::move(got.first);
          it.err = std::move(got.second);
        } else {
          it.val = detail::invoke(f);
        }
      });
    } catch (...) {  // goexit
      it.exited = true;
      finish(key, it);
      throw;
    }
    finish(key, it);
    if (it.failure) {
      if (!it.listeners.empty()) {
        end_the_process(it.failure);
      }
      it.failure.again();
    }
    if (it.listeners.empty()) {
      return;
    }
    detail::thrown copying;
    copying.keep_from([&] {
      for (const auto& ch : it.listeners) {
        ch.send({it.val, it.err, it.duplicates > 0});
      }
    });
    if (copying) {
      end_the_process(copying);
    }
  }

  // For a panic that nobody may recover, since who listens would wait for ever.
  static void end_the_process(const detail::thrown& failure) {
    go([failure] { failure.again(); });
    select();
  }

  // The group is not touched any more after this.
  void finish(const K& key, call& it) noexcept {
    {
      const detail::held lock(mu_);
      it.finished = true;
      try {
        if (const auto at = find(key); at != calls_.end() && at->second.its.get() == &it) {
          calls_.erase(at);
        }
      } catch (...) {  // by the user's hash or comparison: the next call for the key takes the place
      }
    }
    it.over.done();
  }

  sync::mutex mu_;
  table calls_;  // guarded by mu_
  [[no_unique_address]] Hash hash_{};
};

}  // namespace gossamer::inline v0::singleflight
