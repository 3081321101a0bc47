// dial: see gossamer/net/dial.hpp.
// Source: Go's net.Dialer: addresses share the time that is left, and those of the other version get a head start's
// delay (RFC 6555).
#include "gossamer/net/dial.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <mutex>
#include <utility>

#include "gossamer/detail/chan_core.hpp"
#include "gossamer/detail/spawn.hpp"
#include "net/dial_one.hpp"
#include "net/look_up.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;
using addresses = std::vector<addr>;

// Each address gets at least so long, if there is so much.
constexpr detail::deadline least_share = 2'000'000'000;

// Source: Go's partialDeadline.
detail::deadline share_of(detail::deadline until, std::size_t left) noexcept {
  assert(left > 0);
  if (until == detail::no_deadline) {
    return until;
  }
  const detail::deadline now = detail::now();
  const detail::deadline remaining = until - now;
  const detail::deadline share = remaining / static_cast<detail::deadline>(left);
  return now + (share >= least_share ? share : std::min(remaining, least_share));
}

// One after the other. The first failure tells the most.
std::pair<conn, error> dial_serially(const network& net, const addresses& all, const dialer& how, const limits& l) {
  error first;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool ended = l.end.stop().is_set();
    if (ended || detail::now() >= l.until) {
      const trouble t{ended ? kind::ended : kind::timed_out};
      return {nullptr,
              first && !ended ? first : op_error("dial", std::string(net.name), how.local_addr, all[i], t.err(l.end))};
    }
    auto [c, err] = dial_one(net, all[i], how, {l.end, share_of(l.until, all.size() - i), l.where});
    if (!err) {
      return {std::move(c), nullptr};
    }
    first = first ? first : std::move(err);
  }
  assert(first);  // there was one address at least
  return {nullptr, std::move(first)};
}

// Two fibers that dial, and the one that waits for the first to succeed. Whoever comes later closes what it has.
class race final : public detail::counted {
 public:
  race(const network& net, const dialer& how, detail::deadline until, std::source_location where)
      : net_(net), asked_(how), how_(without_hook(how)), until_(until), where_(where) {
    if (how.control || how.control_context) {
      how_.control_context = [this](const ending& end, std::string_view network, std::string_view address, int number) {
        return call_hook(end, network, address, number);
      };
    }
  }

  std::pair<conn, error> run(addresses first, addresses second, const ending& end);

 private:
  struct lane {
    bool done = false;
    error failure;
  };
  // Leaves, however the hook ends.
  struct hook_call {
    race& its;
    ~hook_call();
  };

  static dialer without_hook(dialer how) {
    how.control = nullptr;
    how.control_context = nullptr;
    return how;
  }
  void start(std::size_t i, addresses all);
  void arrive(std::size_t i, conn c, error err);
  void call_off();
  error call_hook(const ending& end, std::string_view network, std::string_view address, int number);

  const network& net_;
  const dialer& asked_;  // until run() returns
  dialer how_;
  const detail::deadline until_;
  const std::source_location where_;
  detail::chan_core stop_;  // whole, for a hook may wait for it in a select
  detail::spin_lock guard_;
  // Guarded by guard_.
  detail::wait_list waiters_;
  bool over_ = false;
  int hook_calls_ = 0;  // run() has not returned while there are any
  conn winner_;
  lane lanes_[2];
};

void race::start(std::size_t i, addresses all) {
  const detail::reference<race> held(this);
  detail::spawn_closure(detail::spawn_begin(0), [held, i, all = std::move(all)] {
    auto [c, err] =
        dial_serially(held->net_, all, held->how_, {ending(wait::stop(&held->stop_)), held->until_, held->where_});
    held->arrive(i, std::move(c), std::move(err));
  });
}

void race::arrive(std::size_t i, conn c, error err) {
  assert(static_cast<bool>(c) != static_cast<bool>(err));
  fiber_list woken;
  {
    const std::scoped_lock hold(guard_);
    if (!over_) {
      assert(!lanes_[i].done);
      lanes_[i] = {true, std::move(err)};
      if (c && !winner_) {
        std::swap(winner_, c);
      }
      claim_all(waiters_, woken);
    }
  }
  sched::ready_all(woken);
}

race::hook_call::~hook_call() {
  fiber_list woken;
  {
    const std::scoped_lock hold(its.guard_);
    assert(its.hook_calls_ > 0);
    if (--its.hook_calls_ == 0) {
      claim_all(its.waiters_, woken);
    }
  }
  sched::ready_all(woken);
}

// What the hook refers to may be gone when the dial has returned.
error race::call_hook(const ending& end, std::string_view network, std::string_view address, int number) {
  {
    const std::scoped_lock hold(guard_);
    if (over_) {
      return end.err();
    }
    ++hook_calls_;
  }
  const hook_call going_on{*this};
  return asked_.control_context ? asked_.control_context(end, network, address, number)
                                : asked_.control(network, address, number);
}

// Nobody waits for them any more; but for the user's hook.
void race::call_off() {
  fiber_list woken;
  {
    const std::scoped_lock hold(guard_);
    assert(!over_);
    over_ = true;
  }
  {
    const std::scoped_lock hold(stop_.guard);
    stop_.closed.store_release(true);
    claim_all(stop_.receivers, woken);
  }
  sched::ready_all(woken);
  guard_.lock();
  for (preparation p; hook_calls_ > 0;) {
    if (p.may_wait(detail::no_deadline, guard_)) {
      sched::wait_on(waiters_, guard_, {.reason = wait_reason::io_wait, .object = this, .where = where_, .limit = {}});
      guard_.lock();
    }
  }
  guard_.unlock();
}

std::pair<conn, error> race::run(addresses first, addresses second, const ending& end) {
  assert(!first.empty() && !second.empty());
  const addr named = first.front();
  const detail::deadline fallback_at = detail::after(detail::now(), how_.fallback_delay);
  start(0, std::move(first));
  bool both = false;
  guard_.lock();
  for (preparation p; !winner_ && !(lanes_[0].done && lanes_[1].done);) {
    if (!both && (lanes_[0].done || detail::now() >= fallback_at)) {
      guard_.unlock();
      start(1, std::move(second));
      both = true;
      guard_.lock();
      continue;
    }
    const detail::deadline until = both ? detail::no_deadline : fallback_at;
    if (!p.may_wait(until, guard_)) {
      continue;
    }
    if (sched::wait_on(waiters_, guard_,
                       {.reason = wait_reason::io_wait,
                        .object = this,
                        .where = where_,
                        .limit = wait::limit::of(until, end.stop())}) == sched::wait_result::stopped) {
      call_off();
      return {nullptr, op_error("dial", std::string(net_.name), how_.local_addr, named, end.err())};
    }
    guard_.lock();
  }
  assert(both || !lanes_[1].done);
  std::pair<conn, error> result(std::move(winner_), nullptr);
  if (!result.first) {
    result.second = lanes_[0].failure;
  }
  guard_.unlock();
  call_off();
  return result;
}

// Leaves those that can be reached from the local address. Source: Go's resolveAddrList.
error keep_reachable(const network& net, const addr& local, addresses& all) {
  const auto refuse = [&](const char* why) {
    return op_error("dial", std::string(net.name), nullptr, nullptr, addr_error(why, local.text()));
  };
  if (!net.has(local)) {
    return refuse("mismatched local address type");
  }
  if (!net.is_unix() && !is_wildcard(local)) {
    std::erase_if(all, [&](const addr& a) { return !is_wildcard(a) && a.ip().is_v4() != local.ip().is_v4(); });
  }
  return all.empty() ? error(refuse("no suitable address found")) : error();
}

// When it is over. A deadline that is zero is none, as it is elsewhere.
detail::deadline end_of(const dialer& how) noexcept {
  const detail::deadline by_timeout =
      how.timeout.count() != 0 ? detail::after(detail::now(), how.timeout) : detail::no_deadline;
  const detail::deadline by_deadline = detail::on_machine_clock(deadline_of(how.deadline).time_since_epoch().count());
  return std::min(by_timeout, by_deadline);
}

bool same_version(const addr& a, const addr& b) noexcept { return a.ip().is_v4() == b.ip().is_v4(); }

}  // namespace

std::pair<conn, error> dialer::dial_context(const ending& end, std::string_view name, std::string_view address,
                                            here where) const {
  const network* const net = find_network(name);
  if (net == nullptr) {
    return {nullptr, op_error("dial", std::string(name), nullptr, nullptr, unknown_network_error(std::string(name)))};
  }
  const limits l{end, end_of(*this), where};
  auto [all, err] = resolve(*net, address, "dial", l);
  if (!err && local_addr) {
    err = keep_reachable(*net, local_addr, all);
  }
  if (err) {
    return {nullptr, std::move(err)};
  }
  assert(!all.empty());
  addresses second;
  std::copy_if(all.begin(), all.end(), std::back_inserter(second),
               [&](const addr& a) { return !same_version(a, all.front()); });
  if (net->of != network::kind::tcp || fallback_delay.count() < 0 || second.empty()) {
    return dial_serially(*net, all, *this, l);
  }
  std::erase_if(all, [front = all.front()](const addr& a) { return !same_version(a, front); });
  const detail::reference<race> both(new race(*net, *this, l.until, where));
  return both->run(std::move(all), std::move(second), end);
}

}  // namespace gossamer::inline v0::net
